# SPDX-License-Identifier: Apache-2.0
"""What can go wrong. The messages are the library's: the item, what it is, what was wanted."""


class Error(Exception):
    """Any failure that the library reports; status is its SPOTOPT_E_ number."""

    status = None


class NoMemoryError(Error, MemoryError):
    """The allocator refused."""

    status = -12


class ArgumentError(Error, ValueError):
    """An argument is out of its range; the message names it."""

    status = -20


class StateError(Error):
    """The object is not in a state that allows the call."""

    status = -22


class InputError(Error, ValueError):
    """A document is bad; the message names the place and what was wanted."""

    status = -30


class MismatchError(Error, ValueError):
    """A plan was made from other inputs."""

    status = -32


class CancelledError(Error):
    """The progress callable asked to stop, and there was no answer yet."""

    status = -40


class InternalError(Error):
    """A defect, or a fault of a library underneath; please report it."""

    status = -50


_by_status = {kind.status: kind for kind in Error.__subclasses__()}


def of_status(status, message):
    """The exception that belongs to a status; the extension raises it."""
    error = _by_status.get(status, Error)(message)
    error.status = status
    return error
