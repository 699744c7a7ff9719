"""
One run: the ledger, then the selection, then the checks, then the calls.

In that order always, so that a second delivery reports what the first one did, also when
the disk is gone or its quota is full by now. What time or ECS leaves undone is handed
over to the next part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from shared.clients.ecs import Ecs
from shared.clients.ecs_errors import (
    GONE,
    UNKNOWN_OUTCOME,
    EcsError,
    ErrorAction,
    error_action_of,
)
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import SnapshotRequest
from shared.clients.fc_errors import FcError
from shared.clients.pacing import OutOfTimeError, Pacer
from shared.errors import (
    NO_VALUE,
    InvalidEventError,
    InvalidSettingsError,
    Problem,
)
from shared.policies.policy import Limits
from shared.records.outcome import (
    DISKS_VANISHED,
    INTERRUPTED,
    NOT_HANDED_OVER,
    OUT_OF_TIME,
    SLOT_EXPIRED,
    Outcome,
)
from shared.runtime.context import Runtime
from shared.runtime.settings import is_loopback
from shared.snapshots.disk_selector import DiskSelector
from shared.snapshots.disk_task import DiskTask
from shared.snapshots.execution import Execution
from shared.snapshots.progress import Progress, begun
from shared.snapshots.request import plan_snapshot
from shared.snapshots.requester import GIVEN_UP, Requester
from shared.snapshots.run_records import (
    CONTINUED,
    RunLog,
    SignsOfLife,
    Summary,
)
from shared.snapshots.snapshot_index import SnapshotIndex
from shared.triggers.continuation import (
    VANISHED,
    Chain,
    ContinuationStarter,
    link_of,
)
from shared.triggers.routing import Run

MATCHED_NOTHING = "MatchedNothing"
NOTHING_TAKEN = "NothingTaken"


class RegionContext:
    """ECS in one region, for all runs of one invocation: they share its rate."""

    def __init__(self, region: str, runtime: Runtime, limits: Limits) -> None:
        """
        Prepare; nothing is called yet.

        Raises:
            InvalidSettingsError: A local cloud is set up, and not for this region.

        """
        others = runtime.ecs_endpoints.values()
        if region not in runtime.ecs_endpoints and any(map(is_loopback, others)):
            rule = f"must name {region} too: the others are on a local cloud"
            raise InvalidSettingsError([Problem("ECS_ENDPOINT", NO_VALUE, rule)])
        self.pacer = Pacer(
            clock=runtime.clock,
            deadline=runtime.deadline,
            calls_per_minute=limits.max_calls_per_minute,
            max_in_flight=limits.max_in_flight,
        )
        self.ecs = Ecs(
            region,
            runtime.credentials,
            endpoint=runtime.ecs_endpoints.get(region),
            read_timeout_s=runtime.read_timeout_s,
            max_in_flight=limits.max_in_flight,
        )
        self.inventory = Inventory(self.ecs, self.pacer)


def needs_fan_out(run: Run) -> bool:
    """
    Say whether a run is better carried out by an invocation of its own: one for each region.

    Who asks directly waits for the answer, so its regions follow one another; so do those of a dry
    run, of which nothing is handed over.
    """
    is_alone = run.trigger_kind == "direct" or run.dry_run
    return run.link is None and not is_alone and len(run.policy.regions) > 1


def fan_out(run: Run, runtime: Runtime, log: RunLog, continuer: ContinuationStarter) -> Summary:
    """Let a run be carried out elsewhere; recorded as part 0, it is missed if it never begins."""
    summary = Summary(run=run)
    log.started(part=0)
    _hand_over(summary, log, continuer, part=1, so_far=begun(run, runtime.clock.now()), delay_s=0)
    log.finished(summary, {}, part=0)
    return summary


def can_hand_over(run: Run, log: RunLog, continuer: ContinuationStarter | None) -> bool:
    """Say whether somebody else can go on with a run."""
    if continuer is None:
        return False
    return continuer.takes(link_of(run.slot, part=run.part + 1, chain=log.chain), run.content)


def _hand_over(
    summary: Summary,
    log: RunLog,
    continuer: ContinuationStarter,
    *,
    part: int,
    so_far: Chain,
    delay_s: int,
) -> None:
    """Start a part; a failure to do so is the run's, and FC delivers it again."""
    link = link_of(summary.run.slot, part=part, chain=log.chain, so_far=so_far)
    try:
        continuer.start(link, summary.run.content, delay_s=delay_s)
    except FcError as exc:
        summary.status, summary.code, summary.started = "failed", NOT_HANDED_OVER, False
        summary.reason = f"part {part} could not be started: {exc}"
    else:
        summary.status, summary.code, summary.next_at = CONTINUED, "", so_far.due_at
        after = f" in {delay_s} s" if delay_s else ""
        summary.reason = f"handed over to part {part}{after}"


class Runner:
    """Carries out one run, or the part of it for which there is time."""

    def __init__(
        self,
        run: Run,
        region: RegionContext,
        limits: Limits,
        log: RunLog,
        continuer: ContinuationStarter | None,
    ) -> None:
        """
        Prepare.

        Args:
            run: What to carry out.
            region: Where.
            limits: What it may cost.
            log: Takes its records.
            continuer: Takes what is left at the end; None if nobody can.

        """
        self._run = run
        self._region = region
        self._limits = limits
        self._log = log
        # The policies may have changed by the next part: a dry run's could take snapshots.
        self._continuer = None if run.dry_run else continuer
        self._clock = region.pacer.clock
        self._progress = Progress(run, limits, now=self._clock.now())
        self._calls_before = Counter(region.pacer.calls)
        self._slot_ledger = SnapshotIndex(run.slot, region.inventory, self._clock)
        self._pause_s = float(self._progress.before.pause_s)
        self._ask_in_s: float | None = None
        self._found_busy = False
        self._refusal: EcsError | None = None
        self._spares_busy = False
        region.pacer.show_life = SignsOfLife(log, self._clock).show

    def carry_out(self) -> Summary:
        """
        Run, with a record of its start, of each disk, and of its end.

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
                self._settle(self._unlisted(disk_id, summary, follows=False), summary)
            raise
        except Exception as exc:  # noqa: BLE001 - one run's accident must not cost the others
            summary.code = type(exc).__name__
            summary.reason = f"accident: {exc}"
            summary.started = False
        except BaseException:
            summary.code = INTERRUPTED
            raise
        finally:
            if self._run.part > 1:
                summary.in_all = self._progress.in_all
            self._log.finished(summary, self._region.pacer.calls - self._calls_before)
        return summary

    def _take_snapshots(self, summary: Summary) -> None:
        chosen = DiskSelector(
            self._run,
            self._region.inventory,
            self._slot_ledger,
            max_disks=self._limits.max_disks,
            left=self._progress.left_ids,
        ).choose()
        if not chosen and not chosen.ledger and self._run.part <= 1:
            self._matched_nothing(summary)
            return
        # None of them is kept: there may be 100,000.
        lost = map(self._lost, chosen.lost())
        jobs = self._carried_out(chosen.jobs(), summary)
        for outcome in chain(chosen.outcomes(), lost, jobs):
            self._settle(outcome, summary)
        self._judge(summary)

    def _lost(self, disk_id: str) -> Outcome:
        """Say what becomes of a disk that an earlier part left, and that is not meant any more."""
        reason = "the disk is gone since an earlier part, or the policy does not mean it any more"
        if self._progress.may_exist(disk_id):
            return Outcome(
                disk_id=disk_id,
                status="deferred",
                code=UNKNOWN_OUTCOME,
                reason=f"{reason}; an answer about it was lost, and no snapshot is listed",
                may_exist=True,
            )
        return Outcome(disk_id=disk_id, status="skipped", code=GONE, reason=reason)

    # --- the calls -----------------------------------------------------------------------------

    def _carried_out(self, jobs: Iterator[DiskTask], summary: Summary) -> Iterator[Outcome]:
        if self._run.dry_run:
            for job in jobs:
                planned = self._plan(job.disk_id, job.attempt)
                yield job.outcome("planned", f"dry run: would ask for {planned.name}")
            return
        progress = self._progress
        if progress.is_expired:
            yield from map(self._expired, jobs)
            return
        requester = Requester(
            ecs=self._region.ecs,
            pacer=self._region.pacer,
            plan=self._plan,
            recent_state=self._slot_ledger.recent_state,
            refresh_disk=self._slot_ledger.refresh_disk,
            is_listed=self._region.inventory.is_listed,
            can_continue=self._may_hand_over,
            is_last_part=progress.is_last_part,
            expires=self._clock.monotonic()
            + (progress.expires_at - self._clock.now()).total_seconds(),
            pause_before_s=self._pause_s,
        )
        execution = Execution(
            requester=requester,
            max_in_flight=self._limits.max_in_flight,
            show_life=self._log.waits,
        )
        yield from execution.outcomes(map(self._taken_up, jobs))
        self._pause_s, self._ask_in_s = execution.pause_s, execution.ask_in_s
        self._found_busy = execution.found_busy
        summary.code, summary.reason = execution.stopped_by, execution.stopped_because
        self._refusal, self._spares_busy = execution.suspect, execution.spares_busy

    def _taken_up(self, job: DiskTask) -> DiskTask:
        """Return a disk's job with what the part before knew of it."""
        progress = self._progress
        if progress.may_exist(job.disk_id):
            return replace(job, may_exist=True)
        code, ask_at = progress.busy_code(job.disk_id), progress.before.ask_at
        if not code or ask_at is None or progress.is_last_part:
            return job  # the last part asks once more, whenever the pause would be over
        wait_s = (ask_at - self._clock.now()).total_seconds()
        return job.put_off(code, self._clock.monotonic() + wait_s) if wait_s > 0 else job

    def _expired(self, job: DiskTask) -> Outcome:
        """Say what becomes of a disk for which its slot is too old: nothing is asked any more."""
        if self._progress.may_exist(job.disk_id):
            reason = "an answer about it was lost, and no snapshot is listed"
            job = replace(job, may_exist=True)
            return job.outcome("deferred", reason, code=UNKNOWN_OUTCOME)
        return job.outcome("failed", f"{GIVEN_UP}: nothing is asked any more", code=SLOT_EXPIRED)

    def _plan(self, disk_id: str, attempt: int) -> SnapshotRequest:
        return plan_snapshot(self._run.slot, self._run.policy.snapshot, disk_id, attempt=attempt)

    # --- the next part -------------------------------------------------------------------------

    @property
    def _may_hand_over(self) -> bool:
        if not self._progress.can_follow:
            return False
        return can_hand_over(self._run, self._log, self._continuer)

    def _hand_over(self, summary: Summary, *, listed: bool = True) -> None:
        if self._continuer is not None:
            # Before the server's next minute the next part could do nothing either.
            hint_s = self._region.pacer.wait_hint_s()
            so_far, delay_s = self._progress.next_part(
                self._clock.now(),
                pause_s=self._pause_s,
                ask_in_s=self._ask_in_s,
                found_busy=self._found_busy,
                hint_s=hint_s,
                listed=listed,
            )
            part = self._run.part + 1
            _hand_over(
                summary, self._log, self._continuer, part=part, so_far=so_far, delay_s=delay_s
            )

    def _report(self, summary: Summary) -> None:
        """
        Let another part raise what this one came to.

        FC delivers an invocation that raised again, several times: all that would be listed
        and asked for once more, though nothing would be different.
        """
        reports = self._progress.only_reports or self._run.dry_run or summary.is_read
        if self._continuer is None or reports:
            return
        told = replace(summary)
        so_far = self._progress.report(self._clock.now())
        _hand_over(
            told, self._log, self._continuer, part=self._run.part + 1, so_far=so_far, delay_s=0
        )
        if told.status == CONTINUED:
            summary.status, summary.code, summary.next_at = told.status, "", told.next_at
            summary.reason = f"ended; part {self._run.part + 1} reports how"

    # --- the end -------------------------------------------------------------------------------

    def _settle(self, outcome: Outcome, summary: Summary) -> None:
        summary.counts[outcome.status] += 1
        is_news = self._progress.add(outcome)
        if self._run.trigger_kind == "direct":
            summary.show(outcome)
        if is_news:
            self._log.settled(outcome)
        else:
            summary.unchanged[outcome.status] += 1

    def _judge(self, summary: Summary) -> None:
        progress = self._progress
        summary.status = progress.status
        if summary.code:
            summary.reason += "; this ended the run: every further call would fail too"
            because = summary.reason
            if self._spares_busy and summary.counts["deferred"] and self._may_hand_over:
                self._hand_over(summary)
                summary.reason = f"{because}; {summary.reason}"
            return
        summary.reason = ""
        if summary.counts["deferred"] and self._may_hand_over:
            self._hand_over(summary)
            return
        self._explain(summary)
        if summary.failed and not self._may_pass(summary):
            self._report(summary)

    def _explain(self, summary: Summary) -> None:
        """Say what is special about how the slot ended."""
        progress = self._progress
        if progress.has_lost_many:
            summary.code = DISKS_VANISHED
            summary.reason = (
                f"{progress.counts[VANISHED]} disks were listed and vanished before their "
                "snapshots: is the host the region's own?"
            )
            summary.status = "partial" if progress.status == "partial" else "failed"
        elif progress.unknown and not progress.can_follow:
            summary.code = UNKNOWN_OUTCOME
            disks = ", ".join(progress.unknown)
            summary.reason = f"answers were lost: look whether these disks have snapshots: {disks}"
        elif progress.in_all.keys() == {"skipped"}:
            # Nothing is wrong, and nothing was done: no failure, and never "ok". Who asked
            # for these very disks did not get what was asked for.
            summary.code, summary.reason = NOTHING_TAKEN, "every disk was skipped"
            summary.status = "failed" if self._run.trigger_kind == "direct" else "skipped"
        elif self._refusal is not None:
            summary.code, summary.reason = self._refusal.code, str(self._refusal)
        elif summary.failed:
            summary.reason = progress.example

    def _may_pass(self, summary: Summary) -> bool:
        """Say whether another delivery of the same may do what this one could not."""
        left = summary.counts["deferred"] and self._progress.can_follow
        return bool(left) or self._refusal is not None

    def _not_started(self, error: EcsError | OutOfTimeError, summary: Summary) -> None:
        """Judge a run whose ledger or selection could not be read: nothing was asked for."""
        summary.started = False
        summary.reason = f"the run could not start: {error}"
        if isinstance(error, OutOfTimeError):
            summary.code, passes = OUT_OF_TIME, True
        else:
            passes = error_action_of(error) in (ErrorAction.RETRY, ErrorAction.WAIT)
            summary.code = error.code
        follows = self._progress.can_follow
        if passes and not follows:
            summary.code, summary.reason = SLOT_EXPIRED, f"{GIVEN_UP}; {summary.reason}"
        select, left_ids = self._run.select, self._progress.left_ids
        for disk_id in sorted(left_ids) if left_ids is not None else select.disk_ids:
            # All that can be named without a listing; whether they have one nobody knows.
            self._settle(self._unlisted(disk_id, summary, follows=passes and follows), summary)
        if passes and self._may_hand_over:
            named = bool(select.disk_ids) and not select.instance_ids
            self._hand_over(summary, listed=left_ids is not None or named)

    def _unlisted(self, disk_id: str, summary: Summary, *, follows: bool) -> Outcome:
        """Say what becomes of a disk of which nothing could be listed."""
        may_exist = self._progress.may_exist(disk_id)
        return Outcome(
            disk_id=disk_id,
            status="deferred" if follows or may_exist else "failed",
            code=UNKNOWN_OUTCOME if may_exist and not follows else summary.code,
            reason=f"nothing could be listed: {summary.reason}",
            may_exist=may_exist,
        )

    def _matched_nothing(self, summary: Summary) -> None:
        summary.code, summary.reason = MATCHED_NOTHING, "the policy matched no disk"
        if self._run.trigger_kind == "event":
            summary.status, summary.reason = "no_match", "the policy does not select the resource"
        elif self._run.policy.allow_empty:
            summary.status = "ok"
