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
