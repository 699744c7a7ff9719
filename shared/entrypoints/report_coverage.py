"""
One invocation of `report_coverage`: one part of a report, its records, and the next part.

It only reads ECS, so `SNAPSHOTS_PAUSED` does not stop it: a pause must not hide its consequences.
"""

from __future__ import annotations

from typing import Any

from shared.clients.ecs_errors import EcsError
from shared.clients.fc import Fc
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.clients.pacing import OutOfTimeError
from shared.coverage.link import MAX_PARTS, Part, read_part
from shared.coverage.records import account_coverage, disk_coverage, part_fields
from shared.coverage.report import Progress, Report
from shared.entrypoints.invocation import Answer, carried_out, policies_of, rejection_record
from shared.errors import InvalidEventError, RunFailedError
from shared.records.recorder import Recorder
from shared.runtime.clock import SYSTEM_CLOCK, Clock, parse_instant, utc
from shared.runtime.context import Runtime, runtime_of

FUNCTION = "report_coverage"
CONTINUED, OK, FAILED = "continued", "ok", "failed"


def respond(
    event: bytes,
    context: Any,  # noqa: ANN401 - the runtime's own class
    *,
    clock: Clock | None = None,
) -> Answer:
    """
    Handle one invocation.

    Args:
        event: A timer's event, ``{"report": "coverage"}``, or that of a later part. With
            ``"dry_run": true`` a request only tries each kind of call.
        context: The ``context`` argument of the handler.
        clock: None means the machine's clock.

    Returns:
        ``{"status": "ok", "report": …, "disks": n, "states": {…}, "policies": {…}}``, or
        ``"continued"`` with what was counted so far, if another invocation does the rest.

    Raises:
        InvalidSettingsError: The environment is invalid.
        InvalidPolicyError: The policies are invalid.
        InvalidEventError: The event is none of the three.
        RunFailedError: Disks are left out of the report; what could be read is on record.

    """
    runtime = runtime_of(FUNCTION, context, clock=clock or SYSTEM_CLOCK)
    return carried_out(runtime, lambda recorder: _report(runtime, recorder, event))


def _report(runtime: Runtime, recorder: Recorder, event: bytes) -> Answer:
    file = policies_of(runtime, recorder, event)
    try:
        part = read_part(
            event,
            deployment=file.deployment,
            request_id=runtime.request_id,
            now=utc(runtime.clock.now()),
        )
    except InvalidEventError as exc:
        recorder.add(rejection_record(exc, event))
        raise
    fields = part_fields(part)
    report = Report(
        part,
        runtime,
        file,
        record=lambda row: recorder.add({**fields, **disk_coverage(row)}),
    )
    return _tried(report) if part.dry_run else _ended(runtime, recorder, report.carry_out())


def _tried(report: Report) -> Answer:
    try:
        disks = report.try_out()
    except (EcsError, OutOfTimeError) as exc:
        return {"status": FAILED, "reason": str(exc), "runs": [], "dry_run": True}
    reason = "; ".join([f"dry run: {disks} disks can be read", *report.remarks])
    return {"status": OK, "reason": reason, "runs": [], "dry_run": True}


def _ended(runtime: Runtime, recorder: Recorder, progress: Progress) -> Answer:
    part, status = progress.part, OK
    if not progress.is_done:
        reason = _handed_over(runtime, progress)
        if not reason:
            return _answer(CONTINUED, part)
        part = part.with_problem(reason)
    if part.problems:
        status = FAILED
    reason = "; ".join([*part.problems, *part.remarks])
    began_at = parse_instant(part.began_at) or runtime.clock.now()
    took_s = (runtime.clock.now() - began_at).total_seconds()
    total = account_coverage(part, status=status, reason=reason, duration_s=took_s)
    recorder.add({**part_fields(part), **total})
    if status == FAILED:
        raise RunFailedError(f"the report is not complete: {reason}")
    return _answer(status, part)


def _handed_over(runtime: Runtime, progress: Progress) -> str:
    """Start the next part; return why that was not possible, empty if it was."""
    number = progress.part.number
    if not progress.moved:
        limits = "limits.max_calls_per_minute, or timeout_s of report_coverage in deployment.yaml"
        return f"part {number} had no time for a single disk; raise {limits}"
    if number >= MAX_PARTS:
        return f"{MAX_PARTS} parts were not enough"
    if runtime.fc_api is None:
        return "the time is up, and without SNAPSHOTS_FC_API no part can follow"
    following = progress.part.next(progress.part.place)
    try:
        Fc(runtime).start(
            runtime.fc_function, following.payload(), invocation_id=following.invocation_id
        )
    except DuplicateInvocationError:
        return ""  # accepted before, and the answer was lost
    except FcError as exc:
        return f"part {following.number} could not be started: {exc}"
    return ""


def _answer(status: str, part: Part) -> Answer:
    tally = part.tally
    return {
        "status": status,
        "runs": [],
        "report": part.report_id,
        "part": part.number,
        "disks": tally.disks,
        **{key: value for key, value in tally.document().items() if key != "sums"},
    }
