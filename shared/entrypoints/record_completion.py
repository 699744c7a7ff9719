"""One invocation of `record_completion`: read its events, handle each, answer."""

from __future__ import annotations

from typing import Any

from shared.completions.decision import read_completions
from shared.completions.handler import CompletionHandler
from shared.entrypoints.answer import Answer, answer_of_completions
from shared.entrypoints.invocation import carried_out, readable_policies, refusal
from shared.errors import InvalidEventError, InvalidPolicyError, RunFailedError
from shared.policies.policy import no_policies
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
    return answer_of_completions(told, runtime.region)
