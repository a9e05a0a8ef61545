/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/replay.h. Outcomes travel as the document that holds them. */

%rename(PriceHistory) spotopt_price_history;
%nodefaultctor spotopt_price_history;
%newobject spotopt_price_history::from_text;
typedef struct {} spotopt_price_history;
%extend spotopt_price_history {
    ~spotopt_price_history() { spotopt_price_history_free($self); }
    /** Read a Prices table. */
    static spotopt_price_history *from_text(const char *text, size_t length, const char *name,
                                            spotopt_error *err)
    {
        spotopt_price_history *made = NULL;
        return spotopt_price_history_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** The number of rows. */
    size_t count();
}

%rename(DemandHistory) spotopt_demand_history;
%nodefaultctor spotopt_demand_history;
%newobject spotopt_demand_history::from_text;
typedef struct {} spotopt_demand_history;
%extend spotopt_demand_history {
    ~spotopt_demand_history() { spotopt_demand_history_free($self); }
    /** Read a Demand table. */
    static spotopt_demand_history *from_text(const char *text, size_t length, const char *name,
                                             spotopt_error *err)
    {
        spotopt_demand_history *made = NULL;
        return spotopt_demand_history_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** The number of demands. */
    size_t count();
}

%rename(_replay_method) spotopt_replay_method;
const char *spotopt_replay_method(size_t index);
%rename(_replay_method_help) spotopt_replay_method_help;
const char *spotopt_replay_method_help(size_t index);

%rename(Replay) spotopt_replay;
%nodefaultctor spotopt_replay;
%newobject spotopt_replay::make_of;
typedef struct {} spotopt_replay;
%extend spotopt_replay {
    ~spotopt_replay() { spotopt_replay_free($self); }
    /** A replay without policies. */
    static spotopt_replay *make_of(spotopt_error *err)
    {
        spotopt_replay *made = NULL;
        return spotopt_replay_new(NULL, &made, err) < 0 ? NULL : made;
    }
    /** Add a policy. */
    spotopt_status add(const char *name, const char *method, const spotopt_policy *document,
                       spotopt_error *err);
    /** Run all policies; what is not given may be null. */
    spotopt_status run_of(const spotopt_catalog *catalog, const spotopt_demand_history *demands,
                          const spotopt_history *history, const spotopt_price_history *prices,
                          const spotopt_model *model, const spotopt_policy *terms, double from_s,
                          double to_s, double step_s, double startup_s, uint32_t points,
                          uint32_t draws, uint64_t seed, const spotopt_options *options,
                          spotopt_error *err)
    {
        spotopt_replay_params params = SPOTOPT_REPLAY_PARAMS_INIT;

        params.catalog = catalog;
        params.demands = demands;
        params.history = history;
        params.prices = prices;
        params.model = model;
        params.terms = terms;
        params.from_s = from_s;
        params.to_s = to_s;
        params.step_s = step_s;
        params.startup_s = startup_s;
        params.points = points;
        params.draws = draws;
        params.seed = seed;
        return spotopt_replay_run($self, &params, options, err);
    }
    /** The number of policies. */
    size_t count();
    /** The Replay document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
}
