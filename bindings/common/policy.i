/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/policy.h. */

%rename(Policy) spotopt_policy;
%nodefaultctor spotopt_policy;
%newobject spotopt_policy::from_text;
%newobject spotopt_policy::for_client_of;
typedef struct {} spotopt_policy;
%extend spotopt_policy {
    ~spotopt_policy() { spotopt_policy_free($self); }
    /** Read a Policy document; null stands for the defaults alone. */
    static spotopt_policy *from_text(const char *text_or_null, size_t length, const char *name,
                                     spotopt_error *err)
    {
        spotopt_policy *made = NULL;
        return spotopt_policy_parse(NULL, text_or_null, length, name, &made, err) < 0 ? NULL : made;
    }
    /** The policy that holds for one client. */
    spotopt_policy *for_client_of(const char *client, spotopt_error *err)
    {
        spotopt_policy *made = NULL;
        return spotopt_policy_for_client($self, client, &made, err) < 0 ? NULL : made;
    }
    /** The whole policy, defaults filled in, as a Policy document. */
    spotopt_status write(char **out_text, size_t *out_length, spotopt_error *err);
}
