"""
Function Compute: starts functions asynchronously, and reads their timers.

Retries transient errors within a small budget of time; the invocation id makes a retry harmless.
The SDK of the API in the settings (`fc2` or `fc3`) is loaded at the first call, because most
invocations make none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shared.clients.fc2 import Fc2
from shared.clients.fc3 import Fc3
from shared.clients.fc_answers import Place, Sdk, Trigger
from shared.clients.fc_errors import FcError
from shared.runtime.context import FunctionName

MAX_PAYLOAD_BYTES = 128 * 1024
"""The largest payload of an asynchronous invocation ("Quotas and limits")."""
MAX_DELAY_S = 3600
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", re.ASCII)

MAX_CALLS = 3
BUDGET_S = 10.0
"""The time for one request with its retries and pauses; half of the time left, if less."""
MAX_TIMEOUT_S = 5.0
MIN_TIMEOUT_S = 0.5
RETRY_DELAY_S = 0.5
"""Before the second call; doubled before the third, times a random share (full jitter)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    """A timer trigger of a function, as Function Compute lists it."""

    name: str
    expression: str
    """Six fields, optionally after ``CRON_TZ=…``, or ``@every …``; empty if it cannot be read."""
    payload: str
    enabled: bool


class Fc:
    """
    Function Compute, in the function's own region and with its own role.

    Safe to share between threads after its first call. Every method raises `FcError`.
    """

    def __init__(self, runtime: Place) -> None:
        """Keep the settings; no SDK is loaded yet."""
        self._runtime = runtime
        self._loaded: Sdk | None = None

    def start(
        self, function: FunctionName, payload: bytes, *, invocation_id: str, delay_s: int = 0
    ) -> str:
        """
        Invoke a function asynchronously.

        Args:
            function: As in the context or in a record.
            payload: At most 128 KB.
            invocation_id: A letter or ``_``, then letters, digits, ``_``, ``-``; at most 128.
                In task mode FC accepts each id once; otherwise it is only a name, and omitted
                if FC rejects it.
            delay_s: From 0 to 3600 seconds.

        Returns:
            The request id, which every record of the invocation contains; empty if FC named none.

        Raises:
            DuplicateInvocationError: FC already has this id, perhaps because the answer to an
                earlier call was lost.
            FcError: The function was not started, as far as is known.

        """
        _require_valid(payload, invocation_id, delay_s)

        def invoke(sdk: Sdk, timeout_s: float) -> str:
            return sdk.invoke(
                function,
                payload,
                invocation_id=invocation_id,
                delay_s=delay_s,
                timeout_s=timeout_s,
            )

        try:
            return self._ask("InvokeFunction", function, invoke)
        except FcError as exc:
            if exc.http_status != _BAD_REQUEST:
                raise
            # FC may have rejected the id, because task mode is not available.
            invocation_id = ""
            return self._ask("InvokeFunction", function, invoke)

    def timers(self, function: FunctionName) -> tuple[TimerTrigger, ...]:
        """Return all timer triggers of a function, in the order in which FC lists them."""
        found: list[Trigger] = []
        seen = {token := ""}
        while True:
            page, token = self._ask("ListTriggers", function, _page_at(function, token))
            found += page
            if not token:
                break
            if token in seen:
                raise _unreadable("nextToken: was returned before in this listing")
            seen.add(token)
        return tuple(_timer(trigger) for trigger in found if trigger.get("triggerType") == "timer")

    def _ask(self, action: str, function: FunctionName, ask: Callable[[Sdk, float], T]) -> T:
        sdk = self._sdk(action, function)
        clock = self._runtime.clock
        started = clock.monotonic()
        budget_s = min(BUDGET_S, max(0.0, (self._runtime.ends - started) / 2))
        calls = 0
        while True:
            left_s = started + budget_s - clock.monotonic()
            try:
                return ask(sdk, max(MIN_TIMEOUT_S, min(MAX_TIMEOUT_S, left_s)))
            except FcError as exc:
                calls += 1
                pause_s = RETRY_DELAY_S * 2 ** (calls - 1) * clock.random()
                left_s = started + budget_s - clock.monotonic()
                if not exc.transient or calls == MAX_CALLS or pause_s >= left_s:
                    raise
            clock.sleep(pause_s)

    def _sdk(self, action: str, function: FunctionName) -> Sdk:
        runtime = self._runtime
        if runtime.fc_api is None:
            raise FcError(
                action=action,
                code="NoFcApi",
                message="SNAPSHOTS_FC_API: not set: must be 2.0 or 3.0; deploy with the templates",
            )
        if not function.name or (runtime.fc_api == "2.0" and not function.service):
            raise FcError(
                action=action,
                code="NoFunctionName",
                message=f"service {function.service!r}, function {function.name!r}: FC"
                f" {runtime.fc_api} requires"
                f" {'both names' if runtime.fc_api == '2.0' else 'the name of the function'}",
            )
        if self._loaded is None:
            self._loaded = Fc2(runtime) if runtime.fc_api == "2.0" else Fc3(runtime)
        return self._loaded


_BAD_REQUEST = 400


def _require_valid(payload: bytes, invocation_id: str, delay_s: int) -> None:
    if not _ID.fullmatch(invocation_id):
        raise ValueError(f"invocation_id: {invocation_id!r}: must match {_ID.pattern}")
    if not 0 <= delay_s <= MAX_DELAY_S:
        raise ValueError(f"delay_s: {delay_s}: must be 0 to {MAX_DELAY_S}")
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise FcError(
            action="InvokeFunction",
            code="PayloadTooLarge",
            message=f"payload: {len(payload)} bytes: must be at most {MAX_PAYLOAD_BYTES} for an"
            " asynchronous invocation",
        )


def _page_at(
    function: FunctionName, token: str
) -> Callable[[Sdk, float], tuple[list[Trigger], str]]:
    return lambda sdk, timeout_s: sdk.triggers(function, next_token=token, timeout_s=timeout_s)


def _timer(trigger: Trigger) -> TimerTrigger:
    name, config = trigger.get("triggerName"), trigger.get("triggerConfig")
    try:
        config = json.loads(config) if isinstance(config, str) else config
    except ValueError:
        config = None
    if not isinstance(config, Mapping):
        config = {}
    # A timer that cannot be read has an empty expression, so that the others can still be used.
    return TimerTrigger(
        name=str(name),
        expression=str(config.get("cronExpression") or ""),
        payload=str(config.get("payload") or ""),
        enabled=config.get("enable") is not False,
    )


def _unreadable(reason: str) -> FcError:
    return FcError(action="ListTriggers", code="UnreadableAnswer", message=reason)
