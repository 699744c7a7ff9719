"""
The errors of the API for messages.

    SmqError            status, code and message of the answer's envelope

Codes, statuses and texts are those of SMQ, "Error codes", and of the pages of its operations. A
code that begins with `Emulator.` never comes from a real cloud.
"""

from __future__ import annotations

from emulator.errors import ServiceError


class SmqError(ServiceError):
    """A request about messages was rejected."""


def not_implemented(message: str) -> SmqError:
    """Reject what the service can do and the emulator cannot."""
    return SmqError(400, "Emulator.NotImplemented", message)


def invalid_argument(message: str) -> SmqError:
    """Reject a value that breaks a rule."""
    return SmqError(400, "InvalidArgument", message)


def denied(message: str) -> SmqError:
    """Reject a request without a signer, or whose signer has no permission."""
    return SmqError(403, "AccessDenied", message)


def no_queue(name: str) -> SmqError:
    """Return the error of a queue that does not exist."""
    text = f"The queue name you provided does not exist: {name}."
    return SmqError(404, "QueueNotExist", text)


def no_message() -> SmqError:
    """Return the error of a queue in which nothing can be received."""
    return SmqError(404, "MessageNotExist", "Message not exist.")


def not_a_handle() -> SmqError:
    """Return the error of a text that is no receipt handle."""
    return SmqError(400, "ReceiptHandleError", "The receipt handle you provided is not valid.")


def handle_expired() -> SmqError:
    """Return the error of a handle whose time is over, or that a later one replaced."""
    return SmqError(404, "MessageNotExist", "The receipt handle you provided has expired.")
