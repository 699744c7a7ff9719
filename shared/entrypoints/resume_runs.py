"""
One invocation of `resume_runs`: its event, settings and policies, then a look, and the answer.

What is looked for and done: see `shared.recovery.reconciler`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.clients.fc import Fc
from shared.entrypoints.answer import Answer
from shared.entrypoints.invocation import (
    PAUSED,
    PAUSED_BECAUSE,
    carried_out,
    paused,
    policies_of,
    refusal,
)
from shared.errors import NO_VALUE, InvalidEventError, InvalidSettingsError, Problems
from shared.records.reader import Reader
from shared.records.recorder import Recorder
from shared.recovery.reconciler import Reconciler
from shared.runtime.clock import SYSTEM_CLOCK, Clock
from shared.runtime.context import LogTarget, Runtime, runtime_of
from shared.runtime.json_yaml import parse_json
from shared.validation import FLAG, check_keys, check_required

FUNCTION = "resume_runs"


def respond(
    event: bytes,
    context: Any,  # noqa: ANN401 - the runtime's own class
    *,
    clock: Clock | None = None,
) -> Answer:
    """
    Handle one invocation.

    Args:
        event: A timer's, or ``{"dry_run": true}`` to hear what would be started.
        context: What Function Compute hands to a handler.
        clock: None is the machine's own.

    Returns:
        ``{"status": "ok", "resumed": [run_id, …], "caught_up": [trigger_id, …], "waiting": n}``,
        or ``{"status": "paused", …}``; of a dry run that would leave something to a person
        ``"failed"``, with the ``reason``.

    Raises:
        InvalidSettingsError: The environment is wrong, or lacks what this function needs.
        InvalidPolicyError: The policies are wrong.
        InvalidEventError: The event is neither of the two.
        ReconcileError: Something is left to the next look, or to a person.

    """
    runtime = runtime_of(FUNCTION, context, clock=clock or SYSTEM_CLOCK)
    return carried_out(runtime, lambda recorder: _look(runtime, recorder, event))


def _look(runtime: Runtime, recorder: Recorder, event: bytes) -> Answer:
    if runtime.paused:
        recorder.add(paused(event))
        return {"status": PAUSED, "reason": PAUSED_BECAUSE, "runs": []}
    target = _log_target(runtime)
    try:
        dry_run = _dry_run(event)
    except InvalidEventError as exc:
        recorder.add(refusal(exc, event))
        raise
    file = policies_of(runtime, recorder, event)
    done = Reconciler(
        runtime,
        recorder,
        file,
        reader=Reader(
            target,
            runtime.credentials,
            deployment=file.deployment,
            clock=runtime.clock,
            deadline=runtime.deadline,
        ),
        fc=Fc(runtime),
        dry_run=dry_run,
    ).reconcile()
    left = {"status": "failed", "reason": "; ".join(done.problems)} if done.problems else {}
    return {
        "status": "ok",
        **left,
        "runs": [],
        "dry_run": dry_run,
        "resumed": done.resumed,
        "caught_up": done.caught_up,
        "waiting": done.waiting,
    }


def _dry_run(event: bytes) -> bool:
    """
    Say whether only an answer is wanted.

    Raises:
        InvalidEventError: It is no event for this function.

    """
    problems = Problems()
    value = parse_json(event, "event", problems)
    if not isinstance(value, Mapping):
        problems.add("event", value, _EITHER)
    elif "triggerName" in value:
        check_keys(value, ("triggerName", "triggerTime", "payload"), "", problems)
        if value.get("payload"):
            problems.add("payload", value["payload"], "must be empty: there is nothing to choose")
    else:
        check_keys(value, ("dry_run",), "", problems)
        if check_required(value, "dry_run", "", _EITHER, problems):
            FLAG.read(value["dry_run"], "dry_run", problems)
    if problems:
        raise InvalidEventError(problems)
    return isinstance(value, Mapping) and value.get("dry_run") is True


_EITHER = 'must be a timer\'s event, or {"dry_run": true}'


def _log_target(runtime: Runtime) -> LogTarget:
    """
    Return the Logstore that every function writes to.

    Raises:
        InvalidSettingsError: It is not known, or how functions are started is not.

    """
    problems = Problems()
    if runtime.fc_api is None:
        rule = "must be 2.0 or 3.0, as the templates have it: without it nothing can be started"
        problems.add("SNAPSHOTS_FC_API", NO_VALUE, rule)
    target = runtime.log_target
    if target is None:
        rule = "must be set, and SLS_LOGSTORE: what was begun and not ended is read from there"
        problems.add("SLS_PROJECT", NO_VALUE, rule)
    if problems or target is None:
        raise InvalidSettingsError(problems)
    return target
