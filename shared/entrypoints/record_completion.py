"""One invocation of `record_completion`: read its events, handle each, answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.completions.decision import read_completions
from shared.completions.handler import CompletionHandler, CompletionResult
from shared.entrypoints.answer import answer_of_disk
from shared.entrypoints.invocation import Answer, carried_out, readable_policies, rejection_record
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
        event: The ``event`` argument of the handler.
        context: The ``context`` argument of the handler.
        function: The function's name, for its records.
        clock: None means the machine's clock.

    Returns:
        ``{"status": …, "runs": […]}``, with an entry for each snapshot of this deployment.
        `status` is ``ok``, ``partially_failed``, ``failed``, or ``no_match`` without such a
        snapshot. ``no_match`` is not recorded, because ECS sends an event for every snapshot.

    Raises:
        InvalidSettingsError: The environment is invalid.
        InvalidPolicyError: The policies are invalid, and a snapshot belongs to this deployment;
            its outcome was recorded.
        InvalidEventError: The event, or one of a list, is invalid; the others were handled.
        RunFailedError: The run of a failed snapshot is not known yet, or its next attempt failed.

    """
    runtime = runtime_of(function, context, clock=clock or SYSTEM_CLOCK)
    return carried_out(runtime, lambda recorder: _complete(runtime, recorder, event))


def _complete(runtime: Runtime, recorder: Recorder, event: bytes) -> Answer:
    policies_error: InvalidPolicyError | None = None
    try:
        file = readable_policies(runtime, recorder)
    except InvalidPolicyError as exc:
        # Raised later and only for a snapshot of this deployment, because all others come here too.
        policies_error, file = exc, no_policies(runtime.identity.deployment)
    completions, problems = read_completions(
        event, account_id=runtime.account_id, region=runtime.region
    )
    handler = CompletionHandler(
        runtime, file, recorder, has_invalid_policies=policies_error is not None
    )
    results = [result for result in map(handler.handle, completions) if result is not None]
    if policies_error is not None and any(
        result.run_key or result.redelivery_reason for result in results
    ):
        recorder.add(rejection_record(policies_error, event))
        raise policies_error
    reasons = "\n".join(result.redelivery_reason for result in results if result.redelivery_reason)
    if problems:
        error = InvalidEventError(problems, also=reasons)
        recorder.add(rejection_record(error, event))
        raise error
    if reasons:
        raise RunFailedError(reasons)
    return _answer(results, runtime.region)


def _answer(results: Sequence[CompletionResult], region: str) -> Answer:
    """Return the answer for the completions of this deployment; "no_match" without any."""
    if not results:
        return {"status": "no_match", "runs": []}
    counts: Counter[str] = Counter(result.outcome.status for result in results)
    return {
        "status": overall_status(counts),
        "runs": [_run(result, region) for result in results],
    }


def _run(result: CompletionResult, region: str) -> Answer:
    run_key, outcome = result.run_key, result.outcome
    counts: dict[str, int] = {outcome.status: 1}
    return {
        "policy": run_key.policy if run_key else "",
        "region": region,
        "run_id": run_key.run_id if run_key else "",
        "status": overall_status(counts),
        "counts": counts,
        "disks": [answer_of_disk(outcome)],
    }
