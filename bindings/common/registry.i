/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/registry.h. */

%rename(Registry) spotopt_registry;
%nodefaultctor spotopt_registry;
%newobject spotopt_registry::from_text;
typedef struct {} spotopt_registry;
%extend spotopt_registry {
    ~spotopt_registry() { spotopt_registry_free($self); }
    /** Read the rows of models of a ledger. */
    static spotopt_registry *from_text(const char *text, size_t length, const char *name,
                                       spotopt_error *err)
    {
        spotopt_registry *made = NULL;
        return spotopt_registry_parse(NULL, text, length, name, &made, err) < 0 ? NULL : made;
    }
    /** The number of models. */
    size_t count();
    /** The ModelRegistry document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
    /** The row of a new model. */
    spotopt_status upload_of(const char *text, size_t length, const char *author,
                             const char *reason, int64_t time_ms, char **out_text,
                             size_t *out_length, spotopt_error *err)
    {
        spotopt_registry_change change = spotopt_swig_change(NULL, author, reason, time_ms);
        return spotopt_registry_upload($self, text, length, &change, out_text, out_length, err);
    }
    /** The row with which a model passes the gate. */
    spotopt_status graduate_of(const spotopt_evaluation *evaluation, const char *id,
                               const char *author, const char *reason, int64_t time_ms,
                               char **out_text, size_t *out_length, spotopt_error *err)
    {
        spotopt_registry_change change = spotopt_swig_change(id, author, reason, time_ms);
        return spotopt_registry_graduate($self, evaluation, &change, out_text, out_length, err);
    }
    /** The row with which a model becomes the current one. */
    spotopt_status set_current_of(const char *id, const char *author, const char *reason,
                                  int64_t time_ms, char **out_text, size_t *out_length,
                                  spotopt_error *err)
    {
        spotopt_registry_change change = spotopt_swig_change(id, author, reason, time_ms);
        return spotopt_registry_set_current($self, &change, out_text, out_length, err);
    }
    /** The row with which a model is retired. */
    spotopt_status retire_of(const char *id, const char *author, const char *reason,
                             int64_t time_ms, char **out_text, size_t *out_length,
                             spotopt_error *err)
    {
        spotopt_registry_change change = spotopt_swig_change(id, author, reason, time_ms);
        return spotopt_registry_retire($self, &change, out_text, out_length, err);
    }
}
