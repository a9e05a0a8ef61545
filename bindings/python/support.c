/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support.c - texts, columns, exceptions and signals between Python and the library.
 *
 * Columns travel through the buffer protocol alone, so that numpy's arrays, array.array, ctypes and
 * memoryviews all work uncopied, and none is needed to build or to run. An exception raised by a
 * progress callable (or by Ctrl-C) stays set on the thread while the library winds up; the long
 * call's typemap finds it there.
 */
#include "support.h"

#include <string.h>

void
spotopt_py_raise(spotopt_status status, const char *message)
{
    PyObject *errors, *error;

    if (PyErr_Occurred())
        return;
    errors = PyImport_ImportModule("spotopt.errors");
    if (errors == NULL)
        return;
    error = PyObject_CallMethod(errors, "of_status", "is", (int)status, message);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_DECREF(errors);
}

PyObject *
spotopt_py_append(PyObject *result, PyObject *more)
{
    PyObject *both;

    if (result == Py_None || result == NULL) {
        Py_XDECREF(result);
        return more;
    }
    both = more == NULL ? NULL : PyTuple_Pack(2, result, more);
    Py_DECREF(result);
    Py_XDECREF(more);
    return both;
}

int
spotopt_py_text_take(PyObject *from, spotopt_py_text *out)
{
    Py_ssize_t length = 0;
    char *bytes;

    memset(out, 0, sizeof *out);
    if (PyUnicode_Check(from)) {
        out->text = PyUnicode_AsUTF8AndSize(from, &length);
        if (out->text == NULL)
            return -1;
        out->length = (size_t)length;
        out->owner = from;
        Py_INCREF(from);
        return 0;
    }
    if (PyBytes_CheckExact(from)) {
        out->owner = from;
        Py_INCREF(from);
    } else if (PyObject_CheckBuffer(from)) {
        out->owner = PyBytes_FromObject(from);
    } else {
        PyErr_Format(PyExc_TypeError, "text is a %s; want str, bytes or another buffer",
                     Py_TYPE(from)->tp_name);
    }
    if (out->owner == NULL || PyBytes_AsStringAndSize(out->owner, &bytes, &length) < 0)
        return -1;
    out->text = bytes;
    out->length = (size_t)length;
    return 0;
}

void
spotopt_py_text_drop(spotopt_py_text *held)
{
    Py_CLEAR(held->owner);
}

PyObject *
spotopt_py_text_give(char *text, size_t length)
{
    PyObject *given;

    if (text == NULL)
        Py_RETURN_NONE; /* the call failed, which is told elsewhere */
    given = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "strict");
    spotopt_text_free(NULL, text);
    return given;
}

int
spotopt_py_names_take(PyObject *from, const char *what, spotopt_py_names *out)
{
    Py_ssize_t count;

    memset(out, 0, sizeof *out);
    if (PyUnicode_Check(from)) { /* a sequence of letters, which nobody means */
        PyErr_Format(PyExc_TypeError, "%s is a str; want a list of str", what);
        return -1;
    }
    out->owner = PySequence_Tuple(from);
    if (out->owner == NULL)
        return -1;
    count = PyTuple_GET_SIZE(out->owner);
    out->names = PyMem_Calloc((size_t)count + 1, sizeof *out->names);
    if (out->names == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(out->owner, i);

        if (!PyUnicode_Check(name)) {
            PyErr_Format(PyExc_TypeError, "%s[%zd] is a %s; want a str", what, i,
                         Py_TYPE(name)->tp_name);
            goto failed;
        }
        out->names[i] = PyUnicode_AsUTF8(name);
        if (out->names[i] == NULL)
            goto failed;
    }
    out->count = (size_t)count;
    return 0;
failed:
    spotopt_py_names_drop(out);
    return -1;
}

void
spotopt_py_names_drop(spotopt_py_names *held)
{
    PyMem_Free(held->names);
    held->names = NULL;
    Py_CLEAR(held->owner);
}

PyObject *
spotopt_py_counts(const uint32_t *demands, const uint32_t *replicas, uint32_t count)
{
    PyObject *holds = PyDict_New();

    for (uint32_t i = 0; holds != NULL && i < count; i++) {
        PyObject *demand = PyLong_FromUnsignedLong(demands[i]);
        PyObject *number = PyLong_FromUnsignedLong(replicas[i]);

        if (demand == NULL || number == NULL || PyDict_SetItem(holds, demand, number) < 0)
            Py_CLEAR(holds);
        Py_XDECREF(demand);
        Py_XDECREF(number);
    }
    return holds;
}

PyObject *
spotopt_py_list_of(const uint32_t *at, uint32_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);

    for (uint32_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = PyLong_FromUnsignedLong(at[i]);

        if (number == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, number);
    }
    return list;
}

/* Whether a buffer's format is the one code in this machine's byte order. */
static int
is_native(const char *format, char code)
{
    if (format == NULL)
        return 0;
    if (*format == '@' || *format == '=' || *format == (PY_LITTLE_ENDIAN ? '<' : '>'))
        format++;
    return format[0] == code && format[1] == '\0';
}

static int
lend_column(PyObject *from, const char *what, char code, size_t itemsize, const char *wanted,
            int writable, Py_buffer *column)
{
    memset(column, 0, sizeof *column);
    if (from == Py_None)
        return 0;
    if (!PyObject_CheckBuffer(from)) {
        PyErr_Format(PyExc_TypeError, "%s is a %s; want a buffer of %s", what,
                     Py_TYPE(from)->tp_name, wanted);
        return -1;
    }
    if (PyObject_GetBuffer(from, column, PyBUF_STRIDES | PyBUF_FORMAT) < 0)
        return -1;
    if (!is_native(column->format, code) || column->itemsize != (Py_ssize_t)itemsize)
        PyErr_Format(PyExc_TypeError, "%s holds items of format \"%s\"; want %s", what,
                     column->format == NULL ? "B" : column->format, wanted);
    else if (column->ndim != 1)
        PyErr_Format(PyExc_TypeError, "%s has %d dimensions; want one", what, column->ndim);
    else if (column->shape[0] > 1 && column->strides[0] != column->itemsize)
        PyErr_Format(PyExc_TypeError, "%s is not contiguous; want a column without gaps", what);
    else if (writable && column->readonly)
        PyErr_Format(PyExc_TypeError, "%s is read-only; want a column to write to", what);
    else
        return 0;
    PyBuffer_Release(column);
    return -1;
}

int
spotopt_py_doubles(PyObject *from, const char *what, int writable, Py_buffer *column)
{
    return lend_column(from, what, 'd', sizeof(double), "float64", writable, column);
}

int
spotopt_py_indices(PyObject *from, const char *what, Py_buffer *column)
{
    return lend_column(from, what, 'I', sizeof(uint32_t), "uint32", 0, column);
}

int32_t
spotopt_py_progress(void *user, const spotopt_progress *progress)
{
    const PyGILState_STATE lock = PyGILState_Ensure();
    PyObject *said;
    int stop = 0;

    if (PyErr_Occurred() != NULL || PyErr_CheckSignals() < 0) {
        stop = 1;
    } else if (user != NULL) {
        said = PyObject_CallFunction(user, "sdddd", progress->stage, progress->done_frac,
                                     progress->cost, progress->bound, progress->seconds);
        stop = said == NULL || PyObject_IsTrue(said) != 0; /* -1 of the latter: an exception */
        Py_XDECREF(said);
    }
    PyGILState_Release(lock);
    return stop;
}
