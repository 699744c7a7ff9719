"""
One part of a run: existing snapshots, then the selection, then the checks, then the calls.

Always in that order, so that a second delivery reports what the first one did, also when the
disk is gone or its quota is used up by then. The next part does what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

from shared.clients.ecs_errors import GONE, UNKNOWN_OUTCOME, EcsError, ErrorAction, error_action_of
from shared.clients.ecs_types import SnapshotRequest
from shared.clients.pacing import OutOfTimeError
from shared.errors import InvalidEventError
from shared.policies.policy import Limits
from shared.records.outcome import (
    DEADLINE_EXCEEDED,
    INTERRUPTED,
    RUN_EXPIRED,
    Outcome,
)
from shared.snapshots.disk_selector import DiskSelector
from shared.snapshots.disk_task import DiskTask
from shared.snapshots.execution import Execution
from shared.snapshots.next_part import NextPart
from shared.snapshots.progress import Progress
from shared.snapshots.region import RegionContext
from shared.snapshots.request import plan_snapshot
from shared.snapshots.requester import GIVEN_UP, Requester
from shared.snapshots.run_records import RunLog, SignsOfLife, Summary
from shared.snapshots.run_status import explain, explain_no_match
from shared.snapshots.snapshot_index import SnapshotIndex
from shared.triggers.continuation import ContinuationStarter
from shared.triggers.routing import Run


class Runner:
    """Carries out one part of a run."""

    def __init__(
        self,
        run: Run,
        region: RegionContext,
        limits: Limits,
        log: RunLog,
        starter: ContinuationStarter | None,
    ) -> None:
        """
        Prepare; nothing is called yet.

        Args:
            run: What to carry out.
            region: The run's region.
            limits: The most disks, calls and time.
            log: Takes the run's records.
            starter: Starts the next part; None if none can follow.

        """
        self._run = run
        self._region = region
        self._limits = limits
        self._log = log
        # The policy may have changed by the next part: a dry run's could take snapshots.
        self._next_part = NextPart(run, log, None if run.dry_run else starter)
        self._clock = region.pacer.clock
        self._progress = Progress(run, limits, now=self._clock.now())
        self._calls_before = Counter(region.pacer.calls)
        self._throttled_before = Counter(region.pacer.throttled)
        self._plan: Callable[[str, int], SnapshotRequest] = lambda disk_id, attempt: plan_snapshot(
            run.run_key, run.policy.snapshot, disk_id, attempt=attempt
        )
        self._index = SnapshotIndex(run.run_key, region.inventory, self._clock)
        self._execution = self._prepared()
        region.pacer.show_life = SignsOfLife(log, self._clock).show

    def _prepared(self) -> Execution:
        progress = self._progress
        left_s = (progress.expires_at - self._clock.now()).total_seconds()
        requester = Requester(
            ecs=self._region.ecs,
            pacer=self._region.pacer,
            plan=self._plan,
            recent_state=self._index.recent_state,
            refresh_disk=self._index.refresh_disk,
            is_listed=self._region.inventory.is_listed,
            can_continue=self._can_continue,
            is_last_part=progress.is_last_part,
            expires=self._clock.monotonic() + left_s,
            pause_before_s=float(progress.before.pause_s),
        )
        return Execution(
            requester=requester,
            max_in_flight=self._limits.max_in_flight,
            show_life=self._log.waits,
        )

    def carry_out(self) -> Summary:
        """
        Carry out the part, with a record of its start, of each disk, and of its end.

        Raises:
            InvalidEventError: The selection is larger than `limits.max_disks`; nothing was done.

        """
        summary = Summary(run=self._run)
        self._log.started()
        try:
            if self._progress.only_reports:
                self._judge(summary)
            else:
                self._take_snapshots(summary)
        except (EcsError, OutOfTimeError) as exc:
            self._not_started(exc, summary)
        except InvalidEventError as exc:
            summary.code, summary.reason = type(exc).__name__, str(exc)
            for disk_id in sorted(self._progress.left_ids or ()):
                self._add(self._unlisted(disk_id, summary, follows=False), summary)
            raise
        except Exception as exc:  # noqa: BLE001 - one run's unexpected error must not cost the others
            summary.code = type(exc).__name__
            summary.reason = f"unexpected error: {exc}"
            summary.started = False
        except BaseException:
            summary.code = INTERRUPTED
            raise
        finally:
            if self._run.part > 1:
                summary.in_all = self._progress.in_all
            pacer = self._region.pacer
            self._log.finished(
                summary,
                pacer.calls - self._calls_before,
                pacer.throttled - self._throttled_before,
            )
        return summary

    def _take_snapshots(self, summary: Summary) -> None:
        chosen = DiskSelector(
            self._run,
            self._region.inventory,
            self._index,
            max_disks=self._limits.max_disks,
            left=self._progress.left_ids,
        ).choose()
        if not chosen and not chosen.existing and self._run.part <= 1:
            explain_no_match(summary)
            return
        # None of them is kept: there may be 100,000.
        lost = map(self._lost, chosen.lost())
        called = self._call(chosen.tasks(), summary)
        for outcome in chain(chosen.outcomes(), lost, called):
            self._add(outcome, summary)
        self._judge(summary)

    def _call(self, tasks: Iterator[DiskTask], summary: Summary) -> Iterator[Outcome]:
        if self._run.dry_run:
            for task in tasks:
                planned = self._plan(task.disk_id, task.attempt)
                yield task.outcome("planned", f"dry run: would create {planned.name}")
            return
        if self._progress.is_expired:
            yield from map(self._expired, tasks)
            return
        # Nothing in it refers to the runner, so that what a run holds is freed when it ends.
        progress, clock = self._progress, self._clock
        resumed = (progress.resumed(task, clock.now(), clock.monotonic()) for task in tasks)
        yield from self._execution.outcomes(resumed)
        summary.code = self._execution.stopped_by
        summary.reason = self._execution.stopped_because

    def _add(self, outcome: Outcome, summary: Summary) -> None:
        summary.counts[outcome.status] += 1
        is_news = self._progress.add(outcome)
        if self._run.trigger_kind == "direct":
            summary.show(outcome)
        if is_news:
            self._log.disk_finished(outcome)
        else:
            summary.unchanged[outcome.status] += 1

    # --- disks without a call ------------------------------------------------------------------

    def _lost(self, disk_id: str) -> Outcome:
        """Return the outcome of a disk that an earlier part left and that is not selected now."""
        reason = "the disk no longer exists, or the policy no longer selects it"
        skipped = Outcome(disk_id=disk_id, status="skipped", code=GONE, reason=reason)
        return self._unless_may_exist(skipped)

    def _expired(self, task: DiskTask) -> Outcome:
        """Return the outcome of a disk whose run is too old: no call is made any more."""
        reason = f"{GIVEN_UP}; no call was made"
        return self._unless_may_exist(task.outcome("failed", reason, code=RUN_EXPIRED))

    def _unlisted(self, disk_id: str, summary: Summary, *, follows: bool) -> Outcome:
        """Return the outcome of a disk where nothing could be listed."""
        outcome = Outcome(
            disk_id=disk_id,
            status="deferred" if follows else "failed",
            code=summary.code,
            reason=f"nothing could be listed: {summary.reason}",
            may_exist=follows and self._progress.may_exist(disk_id),
        )
        return outcome if follows else self._unless_may_exist(outcome)

    def _unless_may_exist(self, outcome: Outcome) -> Outcome:
        if not self._progress.may_exist(outcome.disk_id):
            return outcome
        doubt = "a call may have created a snapshot, but none is listed; check the disk in ECS"
        reason = f"{outcome.reason}; {doubt}"
        return replace(
            outcome, status="deferred", code=UNKNOWN_OUTCOME, reason=reason, may_exist=True
        )

    # --- the end -------------------------------------------------------------------------------

    @property
    def _can_continue(self) -> bool:
        return self._progress.can_follow and self._next_part.is_possible

    def _continue(self, summary: Summary, *, listed: bool = True) -> None:
        so_far, delay_s = self._progress.next_part(
            self._clock.now(),
            self._execution.busy,
            # Before the server's next minute the next part could do nothing either.
            hint_s=self._region.pacer.wait_hint_s(),
            listed=listed,
        )
        self._next_part.start(summary, so_far, delay_s=delay_s)

    def _judge(self, summary: Summary) -> None:
        summary.status = self._progress.status
        is_left = bool(summary.counts["deferred"]) and self._can_continue
        if summary.code:
            summary.reason += "; the run stopped, because every further call would fail too"
            because = summary.reason
            if self._execution.spares_busy and is_left:
                self._continue(summary)
                summary.reason = f"{because}; {summary.reason}"
            return
        summary.reason = ""
        if is_left:
            self._continue(summary)
            return
        explain(summary, self._progress, self._execution.suspect)
        # Another delivery of the same event may do what this one could not.
        may_pass = summary.counts["deferred"] and self._progress.can_follow
        is_heard = may_pass or self._execution.suspect or summary.is_read
        if summary.failed and not is_heard and not self._progress.only_reports:
            self._next_part.report(summary, self._progress.report(self._clock.now()))

    def _not_started(self, error: EcsError | OutOfTimeError, summary: Summary) -> None:
        """End a part whose listings failed: nothing was requested."""
        summary.started = False
        summary.reason = f"the run could not start: {error}"
        if isinstance(error, OutOfTimeError):
            summary.code, passes = DEADLINE_EXCEEDED, True
        else:
            passes = error_action_of(error) in (ErrorAction.RETRY, ErrorAction.RETRY_LATER)
            summary.code = error.code
        follows = self._progress.can_follow
        if passes and not follows:
            summary.code, summary.reason = RUN_EXPIRED, f"{GIVEN_UP}; {summary.reason}"
        select, left_ids = self._run.select, self._progress.left_ids
        for disk_id in sorted(left_ids) if left_ids is not None else select.disk_ids:
            # All disks that are known without a listing.
            self._add(self._unlisted(disk_id, summary, follows=passes and follows), summary)
        if passes and self._can_continue:
            named = bool(select.disk_ids) and not select.instance_ids
            self._continue(summary, listed=left_ids is not None or named)
