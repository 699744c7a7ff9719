"""
Function Compute, as far as it is asked: starts functions asynchronously, reads their timers.

With patience for what passes by itself, within a small budget of time: the id of an
invocation makes another try harmless. Decides nothing; the SDKs are in `fc2` and `fc3`, of which
the one that the settings name is loaded when it is first needed, for most invocations never.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shared.clients.fc2 import Fc2
from shared.clients.fc3 import Fc3
from shared.clients.fc_answers import Sdk, Trigger
from shared.clients.fc_errors import FcError
from shared.runtime.context import FunctionName, Runtime

MAX_PAYLOAD_BYTES = 128 * 1024
"""Of an asynchronous invocation ("Quotas and limits")."""
MAX_DELAY_S = 3600
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", re.ASCII)

MAX_TRIES = 3
BUDGET_S = 10.0
"""What one request may take, tries and pauses together; half of the time left, if that is less."""
MAX_TIMEOUT_S = 5.0
MIN_TIMEOUT_S = 0.5
RETRY_DELAY_S = 0.5
"""Doubled for the third try, times a random share: full jitter."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    """A timer of a function, as Function Compute has it."""

    name: str
    expression: str
    """Six fields, perhaps with ``CRON_TZ=…`` before them, or ``@every …``."""
    payload: str
    enabled: bool


class Fc:
    """
    Function Compute, in the function's own region and with its own role.

    Safe to share between threads once a method returned. Every method raises `FcError`.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Prepare; nothing is loaded or called yet."""
        self._runtime = runtime
        self._loaded: Sdk | None = None

    def start(
        self, function: FunctionName, payload: bytes, *, invocation_id: str, delay_s: int = 0
    ) -> None:
        """
        Invoke a function asynchronously.

        Args:
            function: As the context or a record names it.
            payload: At most 128 KB.
            invocation_id: A letter or ``_``, then letters, digits, ``_``, ``-``; at most 128.
                Where the function is in task mode, FC takes each id once; it is no more than
                a name elsewhere, and left out if FC refuses it.
            delay_s: When FC carries it out: 0 to 3600 seconds from now.

        Raises:
            DuplicateInvocationError: FC has this id already; perhaps from a try of ours whose
                answer was lost.
            FcError: It was not started, as far as is known.

        """
        if not _ID.fullmatch(invocation_id):
            raise ValueError(f"{invocation_id!r} is no id of an invocation")
        if not 0 <= delay_s <= MAX_DELAY_S:
            raise ValueError(f"a delay of {delay_s} s: 0 to {MAX_DELAY_S} are possible")
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise FcError(
                action="InvokeFunction",
                code="PayloadTooLarge",
                message=f"{len(payload)} bytes, and FC takes {MAX_PAYLOAD_BYTES} asynchronously",
            )

        def invoke(sdk: Sdk, timeout_s: float) -> None:
            sdk.invoke(
                function,
                payload,
                invocation_id=invocation_id,
                delay_s=delay_s,
                timeout_s=timeout_s,
            )

        try:
            self._ask("InvokeFunction", function, invoke)
        except FcError as exc:
            if exc.http_status != _BAD_REQUEST:
                raise
            # Perhaps the id, where task mode is not to be had: it is only an optimisation.
            invocation_id = ""
            self._ask("InvokeFunction", function, invoke)

    def timers(self, function: FunctionName) -> tuple[TimerTrigger, ...]:
        """Return all timers of a function, in the order of the service."""
        found: list[Trigger] = []
        seen = {token := ""}
        while True:
            page, token = self._ask("ListTriggers", function, _page_at(function, token))
            found += page
            if not token:
                break
            if token in seen:
                raise _unreadable("the next page is one that was read before")
            seen.add(token)
        return tuple(_timer(one) for one in found if one.get("triggerType") == "timer")

    def _ask(self, action: str, function: FunctionName, ask: Callable[[Sdk, float], T]) -> T:
        sdk = self._sdk(action, function)
        clock = self._runtime.clock
        started = clock.monotonic()
        budget_s = min(BUDGET_S, max(0.0, (self._runtime.ends - started) / 2))
        tries = 0
        while True:
            left_s = started + budget_s - clock.monotonic()
            try:
                return ask(sdk, max(MIN_TIMEOUT_S, min(MAX_TIMEOUT_S, left_s)))
            except FcError as exc:
                tries += 1
                pause_s = RETRY_DELAY_S * 2 ** (tries - 1) * clock.random()
                left_s = started + budget_s - clock.monotonic()
                if not exc.transient or tries == MAX_TRIES or pause_s >= left_s:
                    raise
            clock.sleep(pause_s)

    def _sdk(self, action: str, function: FunctionName) -> Sdk:
        runtime = self._runtime
        if runtime.fc_api is None:
            raise FcError(
                action=action,
                code="NoFcApi",
                message="SNAPSHOTS_FC_API is not set: 2.0 or 3.0 is needed",
            )
        if not function.name or (runtime.fc_api == "2.0" and not function.service):
            raise FcError(
                action=action,
                code="NoFunctionName",
                message=f"service {function.service!r}, function {function.name!r}: FC"
                f" {runtime.fc_api} needs {'both' if runtime.fc_api == '2.0' else 'the latter'}",
            )
        if self._loaded is None:
            self._loaded = Fc2(runtime) if runtime.fc_api == "2.0" else Fc3(runtime)
        return self._loaded


_BAD_REQUEST = 400


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
    # Without an expression it is one that cannot be read, and costs no other timer anything.
    return TimerTrigger(
        name=str(name),
        expression=str(config.get("cronExpression") or ""),
        payload=str(config.get("payload") or ""),
        enabled=config.get("enable") is not False,
    )


def _unreadable(reason: str) -> FcError:
    return FcError(action="ListTriggers", code="UnreadableAnswer", message=reason)
