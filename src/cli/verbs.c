/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs.c - the tables of verbs and flags, from which parsing, help, man pages and completion
 * follow.
 */
#include "args.h"

const flag common_flags[] = {
    {"output", 'o', "FORMAT", "table json html openmetrics csv",
     "what to print: table (the default on a terminal), json (the default elsewhere), html (one "
     "self-contained page), "
     "openmetrics (funnels only), csv (fleet only); NAME.json: json, to that file"},
    {"output-file", 0, "FILE", NULL,
     "write there instead of standard output; the file appears whole or not at all"},
    {"quiet", 'q', NULL, NULL, "no progress and no remarks; failures are still told"},
    {"now", 0, "TIME", NULL,
     "the moment of the decision, RFC 3339 or seconds of the history's epoch; the default is the "
     "clock"},
    {"seed", 0, "N", NULL,
     "start of the random numbers; equal input, options and seed give equal answers"},
    {"deadline", 0, "SECONDS", NULL,
     "wall clock that the work may take; the best answer so far is printed then"},
    {"work", 0, "UNITS", NULL, "units of work that may be spent, the same on every machine"},
    {"threads", 0, "N", NULL, "threads that may be used; the answer does not depend on it"},
    {"set", 0, "KEY=VALUE", NULL, "set an option of 'spotopt help options'; may be repeated"},
    {0},
};

#define CATALOG_FLAGS                                                                              \
    {"zones", 0, "A,B,C", NULL, "zones of catalog rows that name none"},                           \
    {                                                                                              \
        "zone-map", 0, "ID=NAME,...", NULL,                                                        \
            "names of the zones that the catalog calls by id, such as "                            \
            "use1-az2=us-east-1a"                                                                  \
    }

static const flag plan_flags[] = {
    {"cluster", 0, "FILE", NULL,
     "what runs: the output of kubectl get nodes,pods,pdb,... -A -o json; or kube:, kube:CONTEXT, "
     "the API "
     "server of a kubeconfig; needed"},
    {"catalog", 0, "FILE", NULL, "what can be bought, CSV or JSON; needed"},
    {"policy", 0, "FILE", NULL, "what the operator wants; see 'spotopt help policy'"},
    {"history", 0, "FILE", NULL, "capacity seen over time, CSV"},
    {"metrics", 0, "FILE", NULL, "performance of pools and nodes"},
    CATALOG_FLAGS,
    {"cluster-id", 0, "NAME", NULL, "the cluster's name, for overrides"},
    {"client-id", 0, "NAME", NULL,
     "the cluster's tenant, for overrides and its part of the policy"},
    {"check", 0, "PLAN", NULL,
     "make no plan: verify this one against the same inputs, by code apart from the solver"},
    {"model", 0, "FILE", NULL, "a risk model, as 'spotopt risk fit' writes it"},
    {"events", 0, "FILE", NULL,
     "rows of the ledger: overrides that are live, and how much spot may come back"},
    {0},
};

static const flag pack_flags[] = {
    {"from", 0, "RESULT", NULL,
     "begin with this PackingResult of a similar problem, for an answer in milliseconds"},
    {0},
};

static const flag rank_flags[] = {
    {"catalog", 0, "FILE", NULL, "what can be bought, CSV or JSON; needed"},
    {"request", 0, "AMOUNTS", NULL, "what one replica asks for, such as cpu=4,memory=16Gi; needed"},
    {"count", 0, "N", NULL, "replicas; the default is 1"},
    {"top", 0, "K", NULL, "show the first K; the default is all"},
    {"policy", 0, "FILE", NULL, "what the operator wants; see 'spotopt help policy'"},
    {"client-id", 0, "NAME", NULL, "whose part of the policy holds; see clients in the policy"},
    {"history", 0, "FILE", NULL, "capacity seen over time, CSV"},
    {"metrics", 0, "FILE", NULL, "performance of pools"},
    CATALOG_FLAGS,
    {"model", 0, "FILE", NULL, "a risk model, as 'spotopt risk fit' writes it"},
    {"current", 0, "POOL", NULL,
     "where the replicas run now: say whether they should stay or move, and why"},
    {"since", 0, "TIME", NULL, "when they moved there; the default is long ago"},
    {"moves", 0, "N", NULL, "replicas moved within the last hour; the default is 0"},
    {"noticed", 0, NULL, NULL,
     "the current pool is about to be taken away: dwell and budget do not hold them"},
    {0},
};

static const flag drain_flags[] = {
    {"cluster", 0, "FILE", NULL,
     "what runs: the output of kubectl get nodes,pods,pdb,... -A -o json; or kube:, kube:CONTEXT, "
     "the API "
     "server of a kubeconfig; needed"},
    {"nodes", 0, "A,B", NULL, "the nodes to leave; needed, but with --plan, which knows them"},
    {"catalog", 0, "FILE", NULL,
     "new nodes come from here; without it pods move to nodes there are"},
    {"plan", 0, "FILE", NULL,
     "a Plan document: the nodes it lets go are left for the fleet it wants"},
    {"simulate", 0, "SEED", NULL,
     "rehearse it in a simulated cluster where evictions are refused, pods are late and nodes are "
     "lost, planning anew each time; equal seeds, equal rehearsals"},
    {"notice", 0, "SECONDS", NULL,
     "when the nodes are gone; the default is no deadline, a spot termination notice gives 120"},
    {"policy", 0, "FILE", NULL, "what the operator wants; see 'spotopt help policy'"},
    {"client-id", 0, "NAME", NULL, "whose part of the policy holds; see clients in the policy"},
    CATALOG_FLAGS,
    {0},
};

static const flag experiment_flags[] = {
    {"control", 0, "ARM", NULL, "the arm to compare with; the default is control"},
    {"treatment", 0, "ARM", NULL, "the arm that is judged; the default is the only other one"},
    {"metric", 0, "NAMES", NULL,
     "compare: one metric; the default is all. canary: "
     "NAME[:increase|decrease|either[:WEIGHT[:critical]]],... with the way it must not move"},
    {"exposure", 0, "METRIC", NULL,
     "compare: --metric counts events, such as interruptions, and this metric the hours they may "
     "happen in"},
    {"better", 0, "WAY", "lower higher",
     "compare: what is better in the metric; the default is lower"},
    {"alpha", 0, "FRAC", NULL, "the chance of a false alarm; the default is 0.05"},
    {"share", 0, "FRAC", NULL, "the treatment's share of assigned units; the default is 0.5"},
    {"effect", 0, "FRAC", NULL,
     "compare: a change worth finding, as a share of control, for the power; the default is 0.05"},
    {"mixture", 0, "SD", NULL,
     "compare: spread of effects, in standard deviations of a unit, that looking often is tuned "
     "to; the default is 0.2"},
    {"tolerance", 0, "FRAC", NULL,
     "canary: shifts up to this share of control's median are fine; the default is 0.1"},
    {"pass-score", 0, "SCORE", NULL, "canary: the least score that passes; the default is 95"},
    {"salt", 0, "TEXT", NULL, "assign: of the experiment; needed"},
    {"arms", 0, "NAME=WEIGHT,...", NULL, "assign: the default is control,treatment"},
    {0},
};

static const flag risk_flags[] = {
    {"history", 0, "FILE", NULL, "capacity seen over time, CSV; needed"},
    {"catalog", 0, "FILE", NULL, "what can be bought, for vendors' signals, CSV or JSON"},
    {"model", 0, "FILE", NULL, "score, evaluate: a model; without one, layers 1-2"},
    {"against", 0, "FILE", NULL,
     "evaluate: another model, scored at the same moments and compared"},
    {"from", 0, "TIME", NULL, "begin of the window, seconds of the history's epoch; needed"},
    {"to", 0, "TIME", NULL, "end of the window, not in it; needed"},
    {"horizons", 0, "H,H,..", NULL, "score, evaluate: hours ahead; the default is 1,4,24"},
    {"step", 0, "SECONDS", NULL, "fit, evaluate: between moments; the default is 900"},
    {"reference", 0, "FRAC,..", NULL,
     "evaluate: what a forecast without skill says, by horizon; the default is the share of drops "
     "in the model's fit window"},
    {"calibrate-to", 0, "TIME", NULL,
     "fit: end of the window after --to that it is calibrated on; the default is none"},
    {"id", 0, "NAME", NULL, "fit: the model's name; the default is model"},
    {"isotonic", 0, NULL, NULL, "fit: an isotonic map too, for calibration windows of weeks"},
    {"availability", 0, NULL, NULL, "fit: the history shows launch probes, not held nodes"},
    {"predictions", 0, "FILE", NULL,
     "evaluate: write every forecast there, CSV pool,time_s,p_1h,..."},
    {"pool", 0, "ID", NULL, "evaluate: draw this pool over time; the default has most drops"},
    {"ledger", 0, "FILE", NULL, "models: the ledger of models, JSON lines; needed"},
    {"author", 0, "NAME", NULL, "models: who changes it; the default is the user's name"},
    {"reason", 0, "TEXT", NULL, "models: why"},
    {0},
};

static const flag replay_flags[] = {
    {"catalog", 0, "FILE", NULL, "what can be bought, CSV or JSON; needed"},
    {"demand", 0, "FILE", NULL,
     "what had to run, CSV time_s,demand,count,cpu_milli,memory_mib[,gpu]; needed"},
    {"policy", 0, "POLICY ...", NULL,
     "what to try: on-demand, cheapest, one-per-zone, last-day, hazard, oracle, or a Policy "
     "document, decided as hazard does; NAME=FILE: that way, with the document's terms; may be "
     "repeated; the default is all names"},
    {"history", 0, "FILE", NULL,
     "capacity seen over time, CSV: what could be launched and what was lost; the default is "
     "everything and nothing"},
    {"prices", 0, "FILE", NULL,
     "prices over time, CSV pool,time_s,usd_per_hour; the default is the catalog's all the time"},
    {"model", 0, "FILE", NULL,
     "hazard: a risk model, as 'spotopt risk fit' writes it, that ends before --from"},
    {"terms", 0, "FILE", NULL,
     "the Policy document whose interruption.cost_usd and change.move_usd price every policy's "
     "losses, and that names follow; the default is 'spotopt help policy'"},
    {"from", 0, "TIME", NULL,
     "begin, seconds of the history's epoch; the default is the first demand"},
    {"to", 0, "TIME", NULL, "end, not in it; the default is where the history or the prices end"},
    {"step", 0, "SECONDS", NULL, "between decisions; the default is 900"},
    {"startup", 0, "SECONDS", NULL,
     "from a node's launch until it serves, at most a step; the default is 120"},
    CATALOG_FLAGS,
    {0},
};

static const flag notices_flags[] = {
    {"imds", 0, "URL", NULL,
     "ask the metadata service of the instance that this runs on: self, or the service's URL"},
    {"event", 0, "FILE", NULL, "read events of EventBridge: one, or one a line"},
    {"follow", 0, NULL, NULL, "ask the metadata service every 5 s until Ctrl-C"},
    {"ledger", 0, "FILE", NULL,
     "an Events file, sqlite:PATH or postgresql://...; only notices that are not there yet count"},
    {"apply", 0, NULL, NULL, "write them to the ledger, each before it is printed"},
    {0},
};

static const flag fleet_flags[] = {
    {"ledger", 0, "FILE", NULL,
     "what happened, an Events file, sqlite:PATH or postgresql://...; steps write there. Needed, "
     "but for governance and storage that only look"},
    {"cluster-id", 0, "NAME", NULL, "of this cluster alone"},
    {"client-id", 0, "NAME", NULL, "of this client's clusters alone"},
    {"instance", 0, "ID", NULL, "history, activity: of this instance alone"},
    {"from", 0, "TIME", NULL,
     "begin of the window that ends now; the default is 30 days before. overrides set: when the "
     "order begins; the default is now"},
    {"points", 0, "N", NULL, "savings: equal parts of the window in series; the default is 60"},
    {"limit", 0, "N", NULL, "history, activity, performance: rows at most; the default is 100"},
    {"policy", 0, "FILE", NULL,
     "what an interrupted node costs beyond the bill, where its stop does not say; the default is "
     "nothing"},
    {"return-hours", 0, "HOURS", NULL,
     "overrides: time over which spot comes back after one ends; the default is 1"},
    {"inventory", 0, "FILE", NULL, "governance, storage: what the account has; needed"},
    {"allow", 0, "A,B", NULL,
     "governance, storage: globs on ids, names, types that are accounted for"},
    {"min-age", 0, "DAYS", NULL, "storage: younger things are left alone; the default is 7"},
    {"apply", 0, NULL, NULL,
     "write the step to the ledger; without it a step only shows what it would do"},
    {"scope", 0, "SCOPE", "instance cluster client all",
     "overrides set: what is held on on-demand"},
    {"target", 0, "NAME", NULL,
     "overrides set: the instance, cluster or client; none with --scope all"},
    {"until", 0, "TIME", NULL,
     "overrides set: when the order ends; the default is when it is lifted"},
    {"hours", 0, "HOURS", NULL, "overrides set: how long the order lasts, instead of --until"},
    {"reason", 0, "TEXT", NULL, "of a step: why; needed by overrides set"},
    {"author", 0, "NAME", NULL, "of a step: who takes it; the default is the user"},
    {"all", 0, NULL, NULL, "flag, approve, dismiss: every item that can go there"},
    {"batch", 0, "N", NULL, "governance, storage apply: items at most; the default is all"},
    {0},
};

static const flag no_flags[] = {{0}};
static const flag help_flags[] = {
    {"man", 0, NULL, NULL, "as a man page, in roff"},
    {0},
};

const verb verbs[] = {
    {"plan", "", "decide which nodes to keep, buy and leave, and in which order",
     "Reads what runs and what can be bought, forecasts interruptions, screens and ranks the "
     "pools, packs the pods at "
     "least cost with a proven bound, and orders launches and evictions so that no disruption "
     "budget is broken. Exit "
     "status 1 means that some pod finds no place, or that --check found faults.",
     "spotopt plan --cluster cluster.json --catalog catalog.json -o html --output-file report.html",
     plan_flags, true, cmd_plan},
    {"pack", "PROBLEM", "solve a packing problem",
     "Solves a bare PackingProblem: demands on pools and running nodes at least cost, under rules. "
     "Prints a "
     "PackingResult with a proven bound. With --from, what can still be had of an earlier answer "
     "stays and only the rest is placed anew. Exit status 1 means that not everything could be "
     "placed.",
     "spotopt pack problem.json --set gap_rel=0", pack_flags, true, cmd_pack},
    {"rank", "", "order the pools for a request, and say why",
     "Scores every pool by cost, stability, performance and capacity, from fixed anchors, so that "
     "a score can be "
     "compared between runs. Pools that drop out are named with stage and reason. Exit status 1 "
     "means that none is left.",
     "spotopt rank --catalog catalog.json --request cpu=4,memory=16Gi --top 10", rank_flags, true,
     cmd_rank},
    {"drain", "", "order the moves off some nodes without breaking a budget",
     "Plans waves of launches, cordons and evictions in which every PodDisruptionBudget holds "
     "after each step, or names "
     "what blocks them. --simulate carries the plan out in a simulated cluster instead, which "
     "checks every budget at every instant. Exit status 1 means that a pod is blocked, or lost "
     "because the notice is too short; of a rehearsal, that not all nodes could be left.",
     "spotopt drain --cluster cluster.json --nodes ip-10-0-16-86.ec2.internal --catalog "
     "catalog.json --notice 120",
     drain_flags, true, cmd_drain},
    {"fleet", "PART [STEP [ID...]]",
     "tell from the ledger what a fleet did, cost and saved; keep its books",
     "PART is metrics (counts, rates, load), savings (money by client, cluster, instance and over "
     "time), topology (client, cluster, pool, node), history (switches and their alternates), "
     "health (components, their state changes and log lines), activity (what happened, latest "
     "first), overrides (orders to use on-demand, and how far they are met); or, from an "
     "inventory, governance (running instances that nobody accounts for) or storage (volumes, "
     "snapshots and images without use). "
     "The last three take steps, which are rows added to the ledger: overrides {list,set ID,lift "
     "ID}; governance and storage {list,flag,approve,dismiss ID...|--all} and apply, which goes "
     "through what is approved, one item after the other. Ctrl-C stops it between two items, and "
     "run again it goes on behind them; no item is handed out twice, whatever ends it. A step "
     "shows what it would do, and writes with --apply alone. Taken again it changes nothing. "
     "No cloud is called: applying records that an item is dealt with. Exit status 1 means that a "
     "step was refused, cut short, or failed for an item.",
     "spotopt fleet overrides set release --scope cluster --target shop --reason deploy --ledger "
     "books.jsonl --apply",
     fleet_flags, true, cmd_fleet},
    {"notices", "", "what EC2 announces of its spot instances, as rows of a ledger",
     "Prints interruption warnings and rebalance recommendations, a JSON line each. The same "
     "announcement is the same row: in a ledger it stands once, however often it is read. Of "
     "events of other kinds nothing is printed.",
     "spotopt notices --imds self --follow --ledger sqlite:books.db --apply", notices_flags, true,
     cmd_notices},
    {"funnel", "FILE...", "merge the funnels of plans and rankings",
     "Adds up, stage by stage, how many pools were dropped and why. In any order of the files the "
     "answer is the same.",
     "spotopt funnel monday.json tuesday.json -o openmetrics", no_flags, true, cmd_funnel},
    {"risk", "fit|score|evaluate|models ...", "forecast drops of pools, and judge forecasts",
     "fit makes a model from a history: the hazard from decisions in [--from, --to), calibrated on "
     "[--to, --calibrate-to). score forecasts every pool of the catalog, or of the history, at "
     "--now, with intervals and reasons. "
     "evaluate judges a model, or the built-in layers, on a window of the history: scores with "
     "day-block intervals, baselines beside them, reliability curves; a model's windows must end "
     "before the window begins. models {list,upload FILE,graduate ID,set-current ID,retire ID} "
     "keeps the life of models in a ledger; exit status 1 means that a change was refused.",
     "spotopt risk evaluate --history history.csv --model model.json --from 1900800 --to 2534400",
     risk_flags, true, cmd_risk},
    {"experiment", "assign|compare|canary FILE", "find out which of two ways is better",
     "assign reads units, one a line, and prints the arm of each. compare reads measurements (CSV "
     "unit,time_s,arm,metric,value[,pre_value]) and says which arm is better, with intervals that "
     "hold however often one looks, and how likely a change would have been found. canary judges "
     "whether a change may go on to everybody; exit status 1 means that it may not.",
     "spotopt experiment compare measurements.csv --treatment hazard --metric usd_per_hour",
     experiment_flags, true, cmd_experiment},
    {"replay", "", "try policies on the past",
     "Walks through the past step by step. Each policy decides with what was known then; what "
     "followed decides what it paid, lost and moved. Prints every policy's money, interruptions, "
     "lost replica-hours and moves, and which is better, with intervals that draw whole days. The "
     "oracle knows the future and shows what could have been had.",
     "spotopt replay --catalog catalog.json --history history.csv --demand demand.csv -o html",
     replay_flags, true, cmd_replay},
    {"show", "FILE", "print a document that another verb wrote, as a table or a page",
     "Reads a Plan, PackingResult, Ranking, DrainPlan, Funnel, RiskEvaluation, ModelRegistry, "
     "ExperimentReport, CanaryReport or Replay "
     "and prints it as -o asks. Nothing "
     "is computed anew.",
     "spotopt show plan.json -o html --output-file report.html", no_flags, true, cmd_show},
    {"completion", "bash|zsh|fish", "print a completion script for a shell",
     "Source its output in the shell's start-up file.", "source <(spotopt completion bash)",
     no_flags, false, cmd_completion},
    {"help", "[VERB|policy|options]", "explain a verb, the policy's defaults, or the options", NULL,
     "spotopt help plan", help_flags, false, cmd_help},
    {"version", "", "print the version", NULL, NULL, no_flags, false, cmd_version},
    {0},
};
