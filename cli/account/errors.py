"""
What calls to the account raise, and the one rule for repeating them.

Each client converts its SDK's exceptions to AccountError; nothing above it imports an SDK or
reads a message. Never decides what a failure means for the set-up: `cli.setup` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TypeVar

from shared.runtime.context import Credentials

MAX_TRIES = 6
FIRST_DELAY_S = 0.5
"""Doubles with each try: 0.5, 1, 2, 4 and 8 seconds, 15.5 s in all."""

_Result = TypeVar("_Result")


class AccountError(Exception):
    """
    One call to a service of the account failed.

    The message is ``action on resource: code (status): text``, redacted, on one line.
    """

    def __init__(
        self,
        message: str,
        *,
        action: str,
        resource: str = "",
        code: str = "",
        is_denied: bool = False,
        is_transient: bool = False,
    ) -> None:
        """
        Create an error.

        Args:
            message: What the service answered.
            action: The RAM action of the call, such as ``ram:CreateRole``.
            resource: The name of what it is about, such as a role's.
            code: The service's error code; empty if no answer came.
            is_denied: The caller lacks the permission.
            is_transient: A later call may succeed: throttled, a server error, or no answer.

        """
        place = f"{action} on '{resource}'" if resource else action
        super().__init__(f"{place}: {message}")
        self.action = action
        self.resource = resource
        self.code = code
        self.is_denied = is_denied
        self.is_transient = is_transient


class RejectedError(Exception):
    """A service rejected a request, as a client that reads answers itself found it."""

    def __init__(self, http_status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code


_VARIABLES = {"ram": "RAM", "sts": "STS", "log": "SLS", "fc": "FC", "mns": "SMQ", "ecs": "ECS"}


def where_it_is_set(action: str) -> str:
    """Return the end of a message on a service that gave no answer: which setting has its host."""
    return f"; check the network; {_VARIABLES[action.partition(':')[0]]}_ENDPOINT sets the host"


def converted(
    rejected: RejectedError,
    credentials: Credentials,
    *,
    action: str,
    resource: str,
    denied: Collection[str],
    throttled: Collection[str],
) -> AccountError:
    """
    Return the error of a call that was rejected, without secrets.

    Args:
        rejected: Its status is 0 if no answer came.
        credentials: Those of the call.
        action: The RAM action.
        resource: What it was about.
        denied: Codes of a missing permission.
        throttled: Codes of too many calls in a moment.

    """
    status, code = rejected.http_status, rejected.code
    text = credentials.redacted(" ".join(str(rejected).split()))
    if not status:
        text += where_it_is_set(action)
    return AccountError(
        f"{code} ({status or 'no answer'}): {text}",
        action=action,
        resource=resource,
        code=code,
        is_denied=code in denied,
        is_transient=not status
        or status >= _SERVER_ERROR
        or status == _TOO_MANY
        or code in throttled,
    )


_SERVER_ERROR, _TOO_MANY = 500, 429


def repeated(act: Callable[[], _Result], *, sleep: Callable[[float], None] = time.sleep) -> _Result:
    """
    Call until it succeeds or fails for good; the last failure is raised.

    Args:
        act: One call. It must be safe to repeat: a creation that succeeded unseen is answered
            with "exists already" the next time.
        sleep: Waits for that many seconds.

    """
    for number in range(MAX_TRIES - 1):
        try:
            return act()
        except AccountError as exc:
            if not exc.is_transient:
                raise
        sleep(FIRST_DELAY_S * 2**number)
    return act()
