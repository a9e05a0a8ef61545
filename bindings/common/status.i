/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors spotopt/status.h and spotopt/version.h. */

/** The name of a status, such as "out of memory". */
%rename(status_text) spotopt_status_text;
const char *spotopt_status_text(spotopt_status status);

/** The version of the library that is loaded, "major.minor.patch". */
%rename(version) spotopt_version;
const char *spotopt_version(void);
