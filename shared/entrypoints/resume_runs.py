"""
One invocation of `resume_runs`: its event, settings and policies, one pass, the answer.

The pass: see `shared.recovery.reconciler`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.clients.fc import Fc
from shared.entrypoints.invocation import (
    PAUSED,
    PAUSED_BECAUSE,
    Answer,
    carried_out,
    paused,
    policies_of,
    rejection_record,
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
        event: A timer's event, or ``{"dry_run": true}`` to return what would be started.
        context: The ``context`` argument of the handler.
        clock: None means the machine's clock.

    Returns:
        ``{"status": "ok", "resumed": [run_id, …], "caught_up": [trigger_id, …], "waiting": n}``,
        or ``{"status": "paused", …}``; ``"failed"`` with the ``reason`` for a dry run with
        problems that an operator must solve.

    Raises:
        InvalidSettingsError: The environment is invalid, or lacks what this function needs.
        InvalidPolicyError: The policies are invalid.
        InvalidEventError: The event is neither of the two.
        ReconcileError: Something is left to the next pass, or to an operator.

    """
    runtime = runtime_of(FUNCTION, context, clock=clock or SYSTEM_CLOCK)
    return carried_out(runtime, lambda recorder: _reconcile(runtime, recorder, event))


def _reconcile(runtime: Runtime, recorder: Recorder, event: bytes) -> Answer:
    if runtime.paused:
        recorder.add(paused(event))
        return {"status": PAUSED, "reason": PAUSED_BECAUSE, "runs": []}
    target = _log_target(runtime)
    try:
        dry_run = _dry_run(event)
    except InvalidEventError as exc:
        recorder.add(rejection_record(exc, event))
        raise
    file = policies_of(runtime, recorder, event)
    result = Reconciler(
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
    left = {"status": "failed", "reason": "; ".join(result.problems)} if result.problems else {}
    return {
        "status": "ok",
        **left,
        "runs": [],
        "dry_run": dry_run,
        "resumed": result.resumed,
        "caught_up": result.caught_up,
        "waiting": result.waiting,
    }


def _dry_run(event: bytes) -> bool:
    """
    Return whether the event asks for a dry run.

    Raises:
        InvalidEventError: It is neither a timer's event nor such a request.

    """
    problems = Problems()
    value = parse_json(event, "event", problems)
    if not isinstance(value, Mapping):
        problems.add("event", value, _EITHER)
    elif "triggerName" in value:
        check_keys(value, ("triggerName", "triggerTime", "payload"), "", problems)
        if value.get("payload"):
            problems.add(
                "payload", value["payload"], "must be empty, because this function has no options"
            )
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
    Return the Logstore to which all functions write.

    Raises:
        InvalidSettingsError: SLS_PROJECT, SLS_LOGSTORE or SNAPSHOTS_FC_API is not set.

    """
    problems = Problems()
    if runtime.fc_api is None:
        rule = "must be 2.0 or 3.0; redeploy with the templates, which set it"
        problems.add("SNAPSHOTS_FC_API", NO_VALUE, rule)
    target = runtime.log_target
    if target is None:
        rule = "must be set, as must SLS_LOGSTORE: resume_runs reads the runs from there"
        problems.add("SLS_PROJECT", NO_VALUE, rule)
    if problems or target is None:
        raise InvalidSettingsError(problems)
    return target
