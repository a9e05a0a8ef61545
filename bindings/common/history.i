/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/history.h. */

%rename(History) spotopt_history;
%nodefaultctor spotopt_history;
%newobject spotopt_history::from_text;
typedef struct {} spotopt_history;
%extend spotopt_history {
    ~spotopt_history() { spotopt_history_free($self); }
    /** Read a History table. */
    static spotopt_history *from_text(const char *text, size_t length, const char *name,
                                      spotopt_error *err)
    {
        spotopt_history *made = NULL;
        return spotopt_history_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** The number of rows. */
    size_t count();
}

%rename(Metrics) spotopt_metrics;
%nodefaultctor spotopt_metrics;
%newobject spotopt_metrics::from_text;
typedef struct {} spotopt_metrics;
%extend spotopt_metrics {
    ~spotopt_metrics() { spotopt_metrics_free($self); }
    /** Read a Metrics document. */
    static spotopt_metrics *from_text(const char *text, size_t length, const char *name,
                                      spotopt_error *err)
    {
        spotopt_metrics *made = NULL;
        return spotopt_metrics_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
}
