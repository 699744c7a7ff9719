"""One invocation of `record_completion`: read its events, handle each, answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.completions.decision import read_completions
from shared.completions.handler import CompletionHandler, CompletionResult
from shared.entrypoints.invocation import Answer, carried_out, readable_policies, refusal
from shared.errors import InvalidEventError, InvalidPolicyError, RunFailedError
from shared.policies.policy import no_policies
from shared.records.outcome import overall_status
from shared.records.recorder import Recorder
from shared.runtime.clock import SYSTEM_CLOCK, Clock
from shared.runtime.context import Runtime, runtime_of


def respond(
    event: bytes,
    context: Any,  # noqa: ANN401 - the runtime's own class
    *,
    function: str,
    clock: Clock | None = None,
) -> Answer:
    """
    Handle one invocation.

    Args:
        event: What Function Compute hands to a handler.
        context: The same.
        function: The function's name, for its records.
        clock: None is the machine's own.

    Returns:
        ``{"status": …, "runs": […]}``, with an entry for each snapshot of ours. `status` is
        ``ok``, ``partially_failed`` or ``failed``, or ``no_match`` where none is ours: of those
        there is no record, for every snapshot of the account sends such an event.

    Raises:
        InvalidSettingsError: The environment is wrong.
        InvalidPolicyError: The policies are wrong, and a snapshot is ours; it is on record.
        InvalidEventError: The event, or one of a list, is wrong; the others were carried out.
        RunFailedError: A snapshot that failed is to be repeated, and was not.

    """
    runtime = runtime_of(function, context, clock=clock or SYSTEM_CLOCK)
    return carried_out(runtime, lambda recorder: _complete(runtime, recorder, event))


def _complete(runtime: Runtime, recorder: Recorder, event: bytes) -> Answer:
    broken: InvalidPolicyError | None = None
    try:
        file = readable_policies(runtime, recorder)
    except InvalidPolicyError as exc:
        # Every snapshot of the account comes here: only one of ours is a reason to raise it.
        broken, file = exc, no_policies(runtime.identity.deployment)
    completions, problems = read_completions(
        event, account_id=runtime.account_id, region=runtime.region
    )
    completer = CompletionHandler(runtime, file, recorder, is_broken=broken is not None)
    told = [one for one in map(completer.safely, completions) if one is not None]
    if broken is not None and any(one.run_key or one.undone for one in told):
        recorder.add(refusal(broken, event))
        raise broken
    undone = "\n".join(one.undone for one in told if one.undone)
    if problems:
        error = InvalidEventError(problems, also=undone)
        recorder.add(refusal(error, event))
        raise error
    if undone:
        raise RunFailedError(undone)
    return _answer(told, runtime.region)


def _answer(told: Sequence[CompletionResult], region: str) -> Answer:
    if not told:
        return {"status": "no_match", "runs": []}
    counts: Counter[str] = Counter(one.outcome.status for one in told)
    return {"status": overall_status(counts), "runs": [_shown(one, region) for one in told]}


def _shown(told: CompletionResult, region: str) -> Answer:
    outcome = told.outcome
    return {
        "policy": told.run_key.policy if told.run_key else "",
        "region": region,
        "run_id": told.run_key.run_id if told.run_key else "",
        "status": overall_status({outcome.status: 1}),
        "counts": {outcome.status: 1},
        "disks": [
            {
                "disk_id": outcome.disk_id,
                "status": outcome.status,
                "code": outcome.code,
                "reason": outcome.reason,
                "snapshot_id": outcome.snapshot_id,
                "attempt": outcome.attempt,
            }
        ],
    }
