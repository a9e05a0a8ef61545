/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/funnel.h. */

%rename(Funnel) spotopt_funnel;
%newobject spotopt_funnel::from_text;
typedef struct {} spotopt_funnel;
%extend spotopt_funnel {
    /** An empty funnel, to merge others into. */
    spotopt_funnel(spotopt_error *err)
    {
        spotopt_funnel *made = NULL;
        return spotopt_funnel_new(NULL, &made, err) < 0 ? NULL : made;
    }
    ~spotopt_funnel() { spotopt_funnel_free($self); }
    /** Read the funnel of a Plan, Ranking or Funnel document. */
    static spotopt_funnel *from_text(const char *text, size_t length, const char *name,
                                     spotopt_error *err)
    {
        spotopt_funnel *made = NULL;
        return spotopt_funnel_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** Add another's counts, stage by stage; in any order the result is the same. */
    spotopt_status merge(const spotopt_funnel *other, spotopt_error *err);
    /** The Funnel document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
    /** The counts as OpenMetrics text. */
    spotopt_status write_openmetrics(char **out_text, size_t *out_length, spotopt_error *err);
}

enum {
    SPOTOPT_STAGE_SCOPE = 0,
    SPOTOPT_STAGE_FITS = 1,
    SPOTOPT_STAGE_ALLOWED = 2,
    SPOTOPT_STAGE_PRICE_CAP = 3,
    SPOTOPT_STAGE_RISK_CAP = 4,
    SPOTOPT_STAGE_OBTAINABLE = 5,
    SPOTOPT_STAGE_QUOTA = 6
};
enum {
    SPOTOPT_DROP_NONE = -1,
    SPOTOPT_DROP_NO_PRICE = 0,
    SPOTOPT_DROP_WRONG_ARCH = 1,
    SPOTOPT_DROP_TOO_SMALL = 2,
    SPOTOPT_DROP_NO_POD_MAY_USE = 3,
    SPOTOPT_DROP_SPOT_DISABLED = 4,
    SPOTOPT_DROP_FORCED_ON_DEMAND = 5,
    SPOTOPT_DROP_FAMILY = 6,
    SPOTOPT_DROP_EXCLUDED = 7,
    SPOTOPT_DROP_PRICE_CAP = 8,
    SPOTOPT_DROP_RISK_CAP = 9,
    SPOTOPT_DROP_NO_CAPACITY = 10,
    SPOTOPT_DROP_QUOTA = 11
};

%rename(Recorder) spotopt_recorder;
%newobject spotopt_recorder::funnel_of;
typedef struct {} spotopt_recorder;
%extend spotopt_recorder {
    /** An empty recorder at a moment. */
    spotopt_recorder(double now_s, spotopt_error *err)
    {
        spotopt_recorder *made = NULL;
        return spotopt_recorder_new(NULL, now_s, &made, err) < 0 ? NULL : made;
    }
    ~spotopt_recorder() { spotopt_recorder_free($self); }
    /** One candidate: it left for a reason, or came through. */
    void add(int32_t reason);
    /** The same, with a bit for everything that spoke against it. */
    void add_explained(int32_t reason, uint32_t mask);
    /** One decision: pools chosen, and alternates named for them. */
    void decided(uint64_t chosen, uint64_t alternates);
    /** What a stage of one decision took, in seconds. */
    void took(int32_t stage, double seconds);
    /** Say what time it is. */
    spotopt_status tick(double now_s, spotopt_error *err);
    /** What was counted in the trailing window; 0: everything. */
    spotopt_funnel *funnel_of(double window_s, spotopt_error *err)
    {
        spotopt_funnel *made = NULL;
        return spotopt_recorder_funnel($self, window_s, &made, err) < 0 ? NULL : made;
    }
}
