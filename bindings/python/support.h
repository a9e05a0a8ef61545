/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PYTHON_SUPPORT_H
#define SPOTOPT_PYTHON_SUPPORT_H
/*
 * What the typemaps of python.i call. Every function here runs with the interpreter's lock held,
 * except the progress callback, which takes it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "spotopt/options.h"
#include "spotopt/pack.h"
#include "spotopt/status.h"

/* Raises the exception that belongs to a status (see errors.py), unless one is on its way already.
 */
void spotopt_py_raise(spotopt_status status, const char *message);

/*
 * Joins outputs: the first alone, two as a tuple. Takes both references; NULL for `more` means that
 * it could not be made. SWIG has a function for it too, whose signature differs between versions.
 */
PyObject *spotopt_py_append(PyObject *result, PyObject *more);

/* A document, held until given back with spotopt_py_text_drop(). */
typedef struct spotopt_py_text {
    const char *text;
    size_t length;
    PyObject *owner; /* of the bytes */
} spotopt_py_text;

/*
 * Takes str and bytes as they are, and a copy of any other buffer: the interpreter's lock is given
 * up while a document is read, and only the first two cannot change meanwhile. 0, or -1 with an
 * exception set.
 */
int spotopt_py_text_take(PyObject *from, spotopt_py_text *out);
void spotopt_py_text_drop(spotopt_py_text *held);

/* A str of what the library wrote; also gives back the text. */
PyObject *spotopt_py_text_give(char *text, size_t length);

/* Names from a list or tuple of str; the texts live as long as `owner`, which holds them. */
typedef struct spotopt_py_names {
    const char **names;
    size_t count;
    PyObject *owner;
} spotopt_py_names;

int spotopt_py_names_take(PyObject *from, const char *what, spotopt_py_names *out);
void spotopt_py_names_drop(spotopt_py_names *held);

/* A dict from demand to replicas. */
PyObject *spotopt_py_counts(const uint32_t *demands, const uint32_t *replicas, uint32_t count);
/* A list of numbers. */
PyObject *spotopt_py_list_of(const uint32_t *at, uint32_t count);

/*
 * Lends a one-dimensional contiguous column of float64 (or of uint32), uncopied. `column` is zeroed
 * first, so that PyBuffer_Release() is right whatever happens; None lends nothing: its buf stays
 * NULL. 0, or -1 with an exception set that names `what`.
 */
int spotopt_py_doubles(PyObject *from, const char *what, int writable, Py_buffer *column);
int spotopt_py_indices(PyObject *from, const char *what, Py_buffer *column);

/* Lets signals (Ctrl-C) be seen during a long call, and asks the callable `user`, if any. */
int32_t spotopt_py_progress(void *user, const spotopt_progress *progress);

#endif /* SPOTOPT_PYTHON_SUPPORT_H */
