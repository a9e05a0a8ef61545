/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/options.h. The progress callback is each language's own affair. */

%rename(option_count) spotopt_option_count;
/** The number of rows of the option table. */
size_t spotopt_option_count(void);

%rename(option_at) spotopt_option_at;
/** A row of the option table. */
spotopt_status spotopt_option_at(size_t index, spotopt_option_info *out, spotopt_error *err);

%rename(Options) spotopt_options;
typedef struct {} spotopt_options;
%extend spotopt_options {
    spotopt_options(spotopt_error *err)
    {
        spotopt_options *made = NULL;
        return spotopt_options_new(NULL, &made, err) < 0 ? NULL : made;
    }
    ~spotopt_options() { spotopt_options_free($self); }
    /** Set a real option, or an int option to a whole number. */
    spotopt_status set_real(const char *key, double value, spotopt_error *err);
    /** Set an int option. */
    spotopt_status set_int(const char *key, int64_t value, spotopt_error *err);
    /** Set an option from text; the number is read in the C locale. */
    spotopt_status set_text(const char *key, const char *value, spotopt_error *err);
    /** Read an option of either type. */
    spotopt_status get_real(const char *key, double *out, spotopt_error *err);
}
