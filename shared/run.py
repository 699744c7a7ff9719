"""
One run: the ledger, then the selection, then the checks, then the calls.

In that order always, so that a second delivery reports what the first one did, also when
the disk is gone or its quota is full by now. What time or ECS leaves undone is handed
over to the next part.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from shared.choosing import Chooser
from shared.continuation import MAX_PARTS, Continuer, link_of
from shared.ecs import Ecs
from shared.errors import (
    NO_VALUE,
    Disposition,
    EcsError,
    FcError,
    InvalidEventError,
    InvalidSettingsError,
    Problem,
    disposition_of,
)
from shared.execution import Execution, Job
from shared.inventory import Inventory
from shared.outcomes import (
    INTERRUPTED,
    NOT_HANDED_OVER,
    OUT_OF_TIME,
    TOO_MANY_PARTS,
    Outcome,
    verdict,
)
from shared.pacing import OutOfTimeError, Pacer
from shared.planning import SnapshotRequest, plan_snapshot
from shared.policy import Limits
from shared.routing import Run
from shared.run_log import CONTINUED, RunLog, Summary
from shared.runtime import Runtime
from shared.settings import is_loopback
from shared.slot_ledger import SlotLedger

MATCHED_NOTHING = "MatchedNothing"
NOTHING_TAKEN = "NothingTaken"

BUSY_DELAY_S = 60
"""How long the next part waits where disks were busy, or ECS was in trouble."""


class Region:
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


def is_apart(run: Run) -> bool:
    """
    Say whether a run is better carried out by an invocation of its own: one for each region.

    Who asks directly waits for the answer, so its regions follow one another.
    """
    return run.link is None and run.asked_by != "direct" and len(run.policy.regions) > 1


def start_apart(run: Run, log: RunLog, continuer: Continuer) -> Summary:
    """Let a run be carried out elsewhere; recorded as part 0, it is missed if it never begins."""
    summary = Summary(run=run)
    log.started(part=0)
    _hand_over(summary, log, continuer, part=1)
    log.finished(summary, {}, part=0)
    return summary


def can_hand_over(run: Run, log: RunLog, continuer: Continuer | None) -> bool:
    """Say whether somebody else can go on with a run."""
    if continuer is None or run.part >= MAX_PARTS:
        return False
    return continuer.takes(link_of(run.slot, part=run.part + 1, chain=log.chain), run.content)


def _hand_over(
    summary: Summary, log: RunLog, continuer: Continuer, *, part: int, delay_s: int = 0
) -> None:
    """Start a part; a failure to do so is the run's, and FC delivers it again."""
    link = link_of(summary.run.slot, part=part, chain=log.chain)
    try:
        continuer.start(link, summary.run.content, delay_s=delay_s)
    except FcError as exc:
        summary.status, summary.code, summary.started = "failed", NOT_HANDED_OVER, False
        summary.reason = f"part {part} could not be started: {exc}"
    else:
        summary.status, summary.code = CONTINUED, ""
        after = f" in {delay_s} s" if delay_s else ""
        summary.reason = f"handed over to part {part}{after}"


class Runner:
    """Carries out one run, or the part of it for which there is time."""

    def __init__(
        self,
        run: Run,
        region: Region,
        limits: Limits,
        log: RunLog,
        continuer: Continuer | None,
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
        self._continuer = continuer
        self._calls_before = Counter(region.pacer.calls)
        self._slot_ledger = SlotLedger(run.slot, region.inventory, region.pacer.clock)
        self._delay_s = BUSY_DELAY_S

    def carry_out(self) -> Summary:
        """
        Run, with a record of its start, of each disk, and of its end.

        Raises:
            InvalidEventError: The selection is larger than `limits.max_disks`; nothing was done.

        """
        summary = Summary(run=self._run)
        self._log.started()
        try:
            self._take_snapshots(summary)
        except (EcsError, OutOfTimeError) as exc:
            self._not_started(exc, summary)
        except InvalidEventError as exc:
            summary.code, summary.reason = type(exc).__name__, str(exc)
            raise
        except Exception as exc:  # noqa: BLE001 - one run's accident must not cost the others
            summary.code = type(exc).__name__
            summary.reason = self._log.redacted(f"accident: {exc}")
            summary.started = False
        except BaseException:
            summary.code = INTERRUPTED
            raise
        finally:
            self._log.finished(summary, self._region.pacer.calls - self._calls_before)
        return summary

    def _take_snapshots(self, summary: Summary) -> None:
        chosen = Chooser(
            self._run,
            self._region.inventory,
            self._slot_ledger,
            max_disks=self._limits.max_disks,
        ).choose()
        if not chosen and not chosen.ledger:
            self._matched_nothing(summary)
            return
        # None of them is kept: there may be 100,000.
        for outcome in chain(chosen.outcomes(), self._carried_out(chosen.jobs(), summary)):
            self._settle(outcome, summary)
        self._judge(summary)

    # --- the calls -----------------------------------------------------------------------------

    def _carried_out(self, jobs: Iterator[Job], summary: Summary) -> Iterator[Outcome]:
        if self._run.dry_run:
            for job in jobs:
                planned = self._plan(job.disk_id, job.attempt)
                yield job.outcome("planned", f"dry run: would ask for {planned.name}")
            return
        execution = Execution(
            ecs=self._region.ecs,
            pacer=self._region.pacer,
            plan=self._plan,
            known=self._slot_ledger.entry,
            look=self._slot_ledger.look,
            max_in_flight=self._limits.max_in_flight,
            somebody_goes_on=self._may_hand_over,
            is_last_part=self._is_last_part,
        )
        yield from execution.outcomes(jobs)
        summary.code, summary.reason = execution.stopped_by, execution.stopped_because

    def _plan(self, disk_id: str, attempt: int) -> SnapshotRequest:
        return plan_snapshot(self._run.slot, self._run.policy.snapshot, disk_id, attempt=attempt)

    # --- the next part -------------------------------------------------------------------------

    @property
    def _is_last_part(self) -> bool:
        return self._run.part >= MAX_PARTS

    @property
    def _may_hand_over(self) -> bool:
        return can_hand_over(self._run, self._log, self._continuer)

    def _hand_over(self, summary: Summary, delay_s: int) -> None:
        if self._continuer is not None:
            part = self._run.part + 1
            # Before the server's next minute the next part could do nothing either.
            delay_s = max(delay_s, math.ceil(self._region.pacer.wait_hint_s()))
            _hand_over(summary, self._log, self._continuer, part=part, delay_s=delay_s)

    # --- the end -------------------------------------------------------------------------------

    def _settle(self, outcome: Outcome, summary: Summary) -> None:
        summary.counts[outcome.status] += 1
        if outcome.code:
            # An accident's text is whatever a library put there.
            outcome = replace(outcome, reason=self._log.redacted(outcome.reason))
        if outcome.status == "deferred" and outcome.code == OUT_OF_TIME:
            # There is work that waits for nothing but time.
            self._delay_s = 0
        if self._run.asked_by == "direct":
            summary.outcomes.append(outcome)
        self._log.settled(outcome)

    def _judge(self, summary: Summary) -> None:
        summary.status = verdict(summary.counts)
        if summary.code:
            summary.reason += "; this ended the run: every further call would fail too"
            return
        summary.reason = ""
        if summary.counts["deferred"] and self._may_hand_over:
            self._hand_over(summary, self._delay_s)
        elif summary.counts.keys() == {"skipped"}:
            # Nothing is wrong, and nothing was done: no failure, and never "ok". Who asked
            # for these very disks did not get what was asked for.
            summary.code, summary.reason = NOTHING_TAKEN, "every disk was skipped"
            summary.status = "failed" if self._run.asked_by == "direct" else "skipped"

    def _not_started(self, error: EcsError | OutOfTimeError, summary: Summary) -> None:
        """Judge a run whose ledger or selection could not be read: nothing was asked for."""
        summary.started = False
        summary.reason = f"the run could not start: {error}"
        if isinstance(error, OutOfTimeError):
            summary.code, passes, delay_s = OUT_OF_TIME, True, 0
        else:
            passes = disposition_of(error) in (Disposition.RETRY, Disposition.WAIT)
            summary.code, delay_s = error.code, BUSY_DELAY_S
        if not passes:
            return
        for disk_id in self._run.select.disk_ids:
            # All that can be named without a listing; whether they have one nobody knows.
            reason = "not done yet: nothing could be listed"
            self._settle(
                Outcome(disk_id=disk_id, status="deferred", code=summary.code, reason=reason),
                summary,
            )
        if self._is_last_part:
            summary.code = TOO_MANY_PARTS
            summary.reason = f"not done within {MAX_PARTS} parts; {summary.reason}"
        elif self._may_hand_over:
            self._hand_over(summary, delay_s)

    def _matched_nothing(self, summary: Summary) -> None:
        summary.code, summary.reason = MATCHED_NOTHING, "the policy matched no disk"
        if self._run.asked_by == "event":
            summary.status, summary.reason = "no_match", "the policy does not select the resource"
        elif self._run.policy.allow_empty:
            summary.status = "ok"
