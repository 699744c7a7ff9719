"""What Function Compute answers when it does not do what was asked."""

from __future__ import annotations

from shared.errors import SnapshotAutomationError


class FcError(SnapshotAutomationError):
    """
    Function Compute did not do what was asked; where no answer came, it may have.

    `code` is the service's, or ours if it sent none; `http_status` 0 if there was no answer;
    `message` has no secret in it. `transient` says whether asking again later may help.
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
    """Function Compute has an invocation of this id already, which may be ours: it goes on."""
