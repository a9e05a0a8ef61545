/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - waves as JSON, one object a wave, for Plan and DrainPlan alike. */
#include "base/base.h"
#include "drain/drain.h"

static const char *
node_name(const spotopt__drain_job *job, uint32_t node)
{
    size_t nodes = job->cluster->nodes.count;

    return node < nodes ? job->cluster->nodes.at[node].name : job->launches[node - nodes].name;
}

static void
write_step(spotopt__jw *jw, const spotopt__drain_job *job, const spotopt__drain_step *step)
{
    static const char *const words[] = {
        [SPOTOPT__DO_LAUNCH] = "launch",
        [SPOTOPT__DO_CORDON] = "cordon",
        [SPOTOPT__DO_EVICT] = "evict",
        [SPOTOPT__DO_DELETE] = "delete",
    };
    const spotopt_cluster *cluster = job->cluster;

    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "do", words[step->kind]);
    spotopt__jw_put_text(jw, "node", node_name(job, step->node));
    spotopt__jw_put_text(jw, "pod",
                         step->pod == SPOTOPT__NONE ? NULL : cluster->pods.at[step->pod].id);
    if (step->kind == SPOTOPT__DO_LAUNCH)
        spotopt__jw_put_text(jw, "pool", job->launches[step->node - cluster->nodes.count].pool);
    if (step->kind == SPOTOPT__DO_EVICT)
        spotopt__jw_put_text(jw, "to", node_name(job, job->target[step->pod]));
    spotopt__jw_key(jw, "relies_on");
    spotopt__jw_array(jw);
    if (step->pdb != SPOTOPT__NONE) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "pdb", cluster->pdbs.at[step->pdb].id);
        spotopt__jw_put_int(jw, "headroom", step->headroom);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

void
spotopt__drain_write_waves(spotopt__jw *jw, const spotopt__drain_job *job,
                           const spotopt__schedule *schedule)
{
    size_t i = 0;

    spotopt__jw_array(jw);
    while (i < schedule->steps.count) {
        uint32_t wave = schedule->steps.at[i].wave;
        spotopt__jw_object(jw);
        spotopt__jw_put_real(jw, "at_s", schedule->steps.at[i].at_s);
        spotopt__jw_key(jw, "steps");
        spotopt__jw_array(jw);
        for (; i < schedule->steps.count && schedule->steps.at[i].wave == wave; i++)
            write_step(jw, job, &schedule->steps.at[i]);
        spotopt__jw_end_array(jw);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}
