"""
One invocation of record_completion: read, look whose it is, record, ask again where that is due.

What is to be done is decided in `completion`; the calls are an `Execution`'s, as in any run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.completion import (
    Completion,
    decide,
    may_be_repeated,
    outcome_of,
    read_completions,
)
from shared.errors import EcsError, InvalidEventError, InvalidPolicyError, RunFailedError
from shared.execution import Execution
from shared.invocation import Answer, carried_out, readable_policies, refusal
from shared.job import Job
from shared.ledger import FAILED, Entry, read_ledger
from shared.outcomes import OUT_OF_TIME, Outcome, Record, disk_record, snapshot_record, verdict
from shared.pacing import OutOfTimeError
from shared.planning import SnapshotRequest, TaggedSlot, slot_of
from shared.policy import PolicyFile, no_policies
from shared.repeating import Repeat, repeat_request
from shared.run import Region
from shared.runtime import SYSTEM_CLOCK, Clock, Runtime, runtime_of
from shared.sls import Recorder


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
        ``ok``, ``partial`` or ``failed``, or ``no_match`` where none is ours: of those there is
        no record, for every snapshot of the account sends such an event.

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
    completer = Completer(runtime, file, recorder, is_broken=broken is not None)
    told = [one for one in map(completer.safely, completions) if one is not None]
    if broken is not None and any(one.slot or one.undone for one in told):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a completion came to."""

    slot: TaggedSlot | None
    """None if it could not be learnt."""
    outcome: Outcome
    undone: str = ""
    """Why FC has to deliver it again, empty if that is no use."""


class Completer:
    """Carries out completions."""

    def __init__(
        self, runtime: Runtime, file: PolicyFile, recorder: Recorder, *, is_broken: bool
    ) -> None:
        self._runtime = runtime
        self._file = file
        self._is_broken = is_broken
        self._recorder = recorder
        self._region = Region(runtime.region, runtime, file.limits)

    def safely(self, completion: Completion) -> Told | None:
        """Carry one out; an accident is its own alone."""
        try:
            return self.carry_out(completion)
        except Exception as exc:  # noqa: BLE001 - one's accident must not cost the others
            why = f"accident: {type(exc).__name__}: {exc}"
            return self._nobodys(completion, why, code=type(exc).__name__, again=True)

    def carry_out(self, completion: Completion) -> Told | None:
        """Record what a snapshot came to, and ask again where that is due; None if not ours."""
        now = self._runtime.clock.now()
        try:
            snapshot = self._region.inventory.snapshot(completion.snapshot_id)
        except (EcsError, OutOfTimeError) as exc:
            code = exc.code if isinstance(exc, EcsError) else OUT_OF_TIME
            again = completion.result == FAILED
            why = f"whose it is could not be read: {exc}"
            return self._nobodys(completion, why, code=code, again=again)
        if snapshot is None:
            again = may_be_repeated(completion, self._file, now=now) and not self._runtime.paused
            return self._nobodys(completion, "ECS does not list it (yet, or any more)", again=again)
        decision = decide(
            completion,
            snapshot,
            self._file,
            region=self._runtime.region,
            now=now,
            paused=self._runtime.paused,
            is_broken=self._is_broken,
        )
        if decision is None and not self._file.deployment and slot_of(snapshot):
            why = "whose it is cannot be told: the policies cannot be read"
            return self._nobodys(completion, why, again=True)
        if decision is None:
            return None
        self._record(decision.outcome, decision.slot, completion)
        if decision.repeat is None:
            return Told(slot=decision.slot, outcome=decision.outcome)
        return self._repeated(decision.repeat)

    def _repeated(self, repeat: Repeat) -> Told:
        def plan(_: str, attempt: int) -> SnapshotRequest:
            return repeat_request(repeat, attempt)

        def look(_: str) -> Entry:
            return self._look(repeat)

        execution = Execution(
            ecs=self._region.ecs,
            pacer=self._region.pacer,
            plan=plan,
            known=look,
            look=look,
            is_listed=self._region.inventory.is_listed,
            max_in_flight=1,
            max_attempts=repeat.max_attempts,
        )
        job = Job(
            disk_id=repeat.disk_id,
            attempt=repeat.attempt,
            failed_ids=frozenset({repeat.failed.snapshot_id}),
            failed_id=repeat.failed.snapshot_id,
        )
        (outcome,) = execution.outcomes(iter([job]))
        self._record(outcome, repeat.slot)
        about = f"disk {repeat.disk_id}, attempt {outcome.attempt} after one that failed"
        undone = f"{about}: {outcome.status}: {outcome.reason}"
        again = outcome.status in ("failed", "deferred")
        return Told(slot=repeat.slot, outcome=outcome, undone=undone if again else "")

    def _look(self, repeat: Repeat) -> Entry:
        """Read what the slot has of the disk; what the event told outdoes a listing that lags."""
        snapshots = (
            replace(one, status=FAILED) if one.snapshot_id == repeat.failed.snapshot_id else one
            for one in self._region.inventory.tagged_snapshots(repeat.slot, repeat.disk_id)
        )
        return read_ledger(snapshots, repeat.slot).get(repeat.disk_id, Entry())

    # --- records -------------------------------------------------------------------------------

    def _nobodys(self, completion: Completion, why: str, *, again: bool, code: str = "") -> Told:
        """Record what a snapshot came to by its id alone: whose it is, nobody knows so far."""
        outcome = outcome_of(completion, disk_id=completion.disk_id)
        reason = f"{outcome.reason}; {why}"
        outcome = replace(outcome, reason=reason, code=code or outcome.code)
        self._add(snapshot_record(outcome), completion)
        undone = f"snapshot {completion.snapshot_id}: {reason}" if again else ""
        return Told(slot=None, outcome=outcome, undone=undone)

    def _record(
        self, outcome: Outcome, slot: TaggedSlot, completion: Completion | None = None
    ) -> None:
        about = {
            "deployment": slot.deployment,
            "policy": slot.policy,
            "slot": slot.slot_id,
            **disk_record(outcome),
        }
        self._add(about, completion)

    def _add(self, record: Record, completion: Completion | None) -> None:
        about = {"region": self._runtime.region, "dry_run": "false"}
        if completion is not None:
            about["event_id"] = completion.event_id
        if completion is not None and completion.duration_s is not None:
            about["duration_s"] = str(completion.duration_s)
        self._recorder.add({**about, **record})


def _answer(told: Sequence[Told], region: str) -> Answer:
    if not told:
        return {"status": "no_match", "runs": []}
    counts: Counter[str] = Counter(one.outcome.status for one in told)
    return {"status": verdict(counts), "runs": [_shown(one, region) for one in told]}


def _shown(told: Told, region: str) -> Answer:
    outcome = told.outcome
    return {
        "policy": told.slot.policy if told.slot else "",
        "region": region,
        "slot": told.slot.slot_id if told.slot else "",
        "status": verdict({outcome.status: 1}),
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
