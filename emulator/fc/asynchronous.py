"""
Asynchronous invocations: a queue on the cloud's clock, retries, destinations.

Source: "Asynchronous invocation" and "Asynchronous tasks". A function's own errors are
tried again up to `maxAsyncRetryAttempts` times, the service's errors until the event
is too old, both with a growing delay; that the first kind waits too was not confirmed,
nor were the values of `condition`. What goes to a destination is kept; a queue gets it too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from emulator.clock import Clock
from emulator.fc.errors import FcError
from emulator.fc.results import Result
from emulator.fc.settings import FcSettings
from emulator.fc.state import AsyncConfig, Function

Status = Literal["Enqueued", "Running", "Retrying", "Succeeded", "Failed", "Expired", "Invalid"]
_SERVER_ERROR = 500


@dataclass(slots=True, kw_only=True)
class Invocation:
    """One event on its way to a function, and how far it came."""

    request_id: str
    function: Function
    event: bytes
    caller: str
    """InvokeFunction, timer/<name> or eventbridge/<name>."""
    submitted_at: datetime
    due_at: datetime
    asynchronous: bool = True
    task_id: str = ""
    max_retries: int | None = None
    """None is what the function's own configuration says."""
    retry_delay_s: float | None = None
    """A steady delay; None is the service's growing one."""
    status: Status = "Enqueued"
    results: list[Result] = field(default_factory=list)
    attempt_count: int = 0
    """How often FC tried, also where it did not reach the function."""
    rejection: str = ""
    """Why FC itself could not carry it out, the last time."""

    @property
    def config(self) -> AsyncConfig:
        """What the function's configuration says by now."""
        return self.function.async_config or AsyncConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a destination was sent."""

    destination: str
    """The ARN of a queue, a topic or a function."""
    body: dict[str, object]


class AsyncQueue:
    """The asynchronous invocations of one region; safe to share between threads."""

    def __init__(
        self,
        *,
        clock: Clock,
        settings: FcSettings,
        execute: Callable[[Invocation], Result],
        deliver: Callable[[Invocation], None],
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._execute = execute
        self._deliver = deliver
        self._waiting: list[Invocation] = []
        self._lock = threading.Lock()

    def submit(self, invocation: Invocation) -> None:
        """Take an invocation in; it is carried out by `attempt` once it is due."""
        with self._lock:
            self._waiting.append(invocation)

    def next_due(self) -> datetime | None:
        """Return when the next attempt is due; None if nothing waits."""
        with self._lock:
            return min((waiting.due_at for waiting in self._waiting), default=None)

    def take_due(self, now: datetime) -> list[Invocation]:
        """Return what is due by now in order, and let it wait no longer."""
        with self._lock:
            due = [waiting for waiting in self._waiting if waiting.due_at <= now]
            self._waiting = [waiting for waiting in self._waiting if waiting.due_at > now]
        return sorted(due, key=lambda waiting: waiting.due_at)

    def attempt(self, invocation: Invocation) -> None:
        """
        Try an invocation once; it succeeds, fails, or waits for its next attempt.

        Raises:
            FcError: The emulator cannot run such a function, now or later.

        """
        if invocation.function.deleted:
            invocation.status = "Invalid"
            return
        if self._age_s(invocation) > invocation.config.max_age_s:
            self._end(invocation, "Expired")
            return
        invocation.status = "Running"
        invocation.attempt_count += 1
        try:
            result = self._execute(invocation)
        except FcError as exc:
            self._rejected(invocation, exc)
            return
        invocation.results.append(result)
        if result.ok:
            self._end(invocation, "Succeeded")
        else:
            self._again_or_fail(invocation, wanted=self._may_retry(invocation))

    def _rejected(self, invocation: Invocation, error: FcError) -> None:
        invocation.rejection = str(error)
        if error.status < _SERVER_ERROR:
            self._end(invocation, "Failed")
            if error.code.startswith("Emulator."):
                raise error
            return
        self._again_or_fail(invocation, wanted=self._settings.retry_internal_errors)

    def _may_retry(self, invocation: Invocation) -> bool:
        """Whether a failed function is tried again; FC's own failures do not count here."""
        limit = invocation.max_retries
        limit = invocation.config.max_retries if limit is None else limit
        return self._settings.retry_user_errors and len(invocation.results) <= limit

    def _again_or_fail(self, invocation: Invocation, *, wanted: bool) -> None:
        if not wanted:
            self._end(invocation, "Failed")
            return
        invocation.status = "Retrying"
        invocation.due_at = self._clock.now() + timedelta(seconds=self._delay_s(invocation))
        self.submit(invocation)

    def _delay_s(self, invocation: Invocation) -> float:
        if invocation.retry_delay_s is not None:
            return invocation.retry_delay_s
        doubled = self._settings.retry_delay_s * 2.0 ** min(invocation.attempt_count - 1, 32)
        return min(doubled, self._settings.max_retry_delay_s)

    def _age_s(self, invocation: Invocation) -> float:
        return (self._clock.now() - invocation.submitted_at).total_seconds()

    def _end(self, invocation: Invocation, status: Status) -> None:
        invocation.status = status
        self._deliver(invocation)


def delivery(invocation: Invocation, *, function_arn: str, now: datetime) -> Delivery | None:
    """Return what an ended invocation sends to its destination; None if it has none."""
    succeeded = invocation.status == "Succeeded"
    config = invocation.config
    destination = config.on_success if succeeded else config.on_failure
    if not destination:
        return None
    last = invocation.results[-1] if invocation.results else None
    body: dict[str, object] = {
        "timestamp": int(now.timestamp() * 1000),
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": function_arn,
            "condition": _condition(invocation, last),
            "approximateInvokeCount": invocation.attempt_count,
        },
        "requestPayload": invocation.event.decode(errors="replace"),
        "responseContext": {
            "statusCode": 200 if last else 500,
            "functionError": last.error_type if last else "",
        },
        "responsePayload": last.body.decode(errors="replace") if last else "",
    }
    return Delivery(destination=destination, body=body)


def _condition(invocation: Invocation, last: Result | None) -> str:
    if invocation.status == "Succeeded":
        return ""
    if invocation.status == "Expired":
        return "EventAgeExceeded"
    return last.error_type if last else "InternalServerError"
