"""The errors of Function Compute calls."""

from __future__ import annotations

from shared.errors import SnapshotAutomationError


class FcError(SnapshotAutomationError):
    """
    Function Compute did not do what was requested; if no answer came, it may have.

    `code` is the service's, or this project's if it sent none. `http_status` is 0 if no answer
    came. `message` contains no secret. `transient` means that a later call may succeed.
    """

    def __init__(
        self, *, action: str, code: str, message: str, http_status: int = 0, transient: bool = False
    ) -> None:
        status = http_status or "not sent"
        super().__init__(f"{action}: {code} ({status}): {message}")
        self.action = action
        self.code = code
        self.message = message
        self.http_status = http_status
        self.transient = transient


class DuplicateInvocationError(FcError):
    """Function Compute already has an invocation with this id, perhaps from a lost answer."""
