"""
One run: the ledger, then the selection, then the checks, then the calls.

In that order always, so that a second delivery reports what the first one did, also when
the disk is gone or its quota is full by now.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.choosing import Choice, Chooser
from shared.ecs import Ecs
from shared.errors import EcsError, InvalidEventError, InvalidSettingsError, Problem
from shared.execution import Execution, Job
from shared.inventory import Inventory
from shared.ledger import Entry, read_ledger
from shared.outcomes import Outcome, Record, disk_record, verdict
from shared.pacing import OutOfTimeError, Pacer
from shared.planning import SnapshotRequest, plan_snapshot
from shared.policy import Limits
from shared.routing import Run
from shared.runtime import Runtime, utc
from shared.sls import Recorder

MATCHED_NOTHING = "MatchedNothing"
NOTHING_TAKEN = "NothingTaken"
OUT_OF_TIME = "OutOfTime"


@dataclass(slots=True, kw_only=True)
class Summary:
    """How a run ended; `outcomes` only where somebody waits for them."""

    run: Run
    status: str = "failed"
    """``ok``, ``partial``, ``failed``; ``skipped`` where no disk could have a snapshot; or
    ``no_match`` where nothing was wanted."""
    code: str = ""
    reason: str = "interrupted"
    started: bool = True
    """False if ledger or selection could not be read: no call that writes was made."""
    counts: Counter[str] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Say whether something that was wanted is left undone."""
        return self.status in ("partial", "failed")


class Region:
    """ECS in one region, for all runs of one invocation: they share its rate."""

    def __init__(self, region: str, runtime: Runtime, limits: Limits) -> None:
        """
        Prepare; nothing is called yet.

        Raises:
            InvalidSettingsError: A local cloud is set up, and not for this region.

        """
        if runtime.ecs_endpoints and region not in runtime.ecs_endpoints:
            rule = f"must name {region} too: the others are on a local cloud"
            raise InvalidSettingsError([Problem("ECS_ENDPOINT", list(runtime.ecs_endpoints), rule)])
        self.pacer = Pacer(
            clock=runtime.clock,
            deadline=runtime.deadline,
            calls_per_minute=limits.max_calls_per_minute,
        )
        self.ecs = Ecs(
            region,
            runtime.credentials,
            endpoint=runtime.ecs_endpoints.get(region),
            read_timeout_s=runtime.read_timeout_s,
            max_in_flight=limits.max_in_flight,
        )
        self.inventory = Inventory(self.ecs, self.pacer)


class Runner:
    """Carries out one run."""

    def __init__(self, run: Run, region: Region, limits: Limits, recorder: Recorder) -> None:
        self._run = run
        self._region = region
        self._limits = limits
        self._recorder = recorder
        self._calls_before = Counter(region.pacer.calls)
        self._ledger: dict[str, Entry] = {}

    def carry_out(self) -> Summary:
        """
        Run, with a record of its start, of each disk, and of its end.

        Raises:
            InvalidEventError: The selection is larger than `limits.max_disks`; nothing was done.

        """
        summary = Summary(run=self._run)
        event = json.dumps(self._run.content, sort_keys=True)
        warnings = "\n".join(self._run.policy.warnings)
        self._record({"record": "run_started", "event": event, "warnings": warnings})
        # What is started has to be visible before the first snapshot is asked for.
        self._recorder.flush()
        try:
            self._take_snapshots(summary)
        except (EcsError, OutOfTimeError) as exc:
            summary.started = False
            summary.code = exc.code if isinstance(exc, EcsError) else OUT_OF_TIME
            summary.reason = f"the run could not start: {exc}"
        except InvalidEventError as exc:
            summary.code, summary.reason = type(exc).__name__, str(exc)
            raise
        except Exception as exc:  # noqa: BLE001 - one run's accident must not cost the others
            summary.code, summary.reason = type(exc).__name__, f"accident: {exc}"
            summary.started = False
        finally:
            self._record(self._end(summary))
        return summary

    def _take_snapshots(self, summary: Summary) -> None:
        self._ledger = read_ledger(
            self._region.inventory.slot_snapshots(self._run.slot), self._run.slot
        )
        chosen = Chooser(
            self._run, self._region.inventory, self._ledger, max_disks=self._limits.max_disks
        ).choose()
        outcomes = list(self._from_ledger(chosen)) + chosen.outcomes
        if not outcomes and not chosen.jobs:
            self._matched_nothing(summary)
            return
        for outcome in outcomes:
            self._settle(outcome, summary)
        for outcome in self._carried_out(chosen.jobs, summary):
            self._settle(outcome, summary)
        self._judge(summary)

    # --- the ledger ----------------------------------------------------------------------------

    def _from_ledger(self, chosen: Choice) -> Iterator[Outcome]:
        """Say what the slot has already, also of disks that nobody would select any more."""
        judged = {job.disk_id for job in chosen.jobs} | {o.disk_id for o in chosen.outcomes}
        for disk_id, entry in self._ledger.items():
            if entry.snapshot_id:
                yield Outcome(
                    disk_id=disk_id,
                    status="existing",
                    reason="made earlier for this slot",
                    snapshot_id=entry.snapshot_id,
                    attempt=entry.attempt,
                )
            elif disk_id not in judged:
                yield Outcome(
                    disk_id=disk_id,
                    status="broken",
                    reason="its snapshot ended as failed, and the disk is not to be had again",
                    snapshot_id=entry.failed_id,
                    attempt=entry.failed_attempt,
                )

    # --- the calls -----------------------------------------------------------------------------

    def _carried_out(self, jobs: Sequence[Job], summary: Summary) -> Iterator[Outcome]:
        if self._run.dry_run:
            for job in jobs:
                planned = self._plan(job.disk_id, job.attempt)
                yield job.outcome("planned", f"dry run: would ask for {planned.name}")
            return
        execution = Execution(
            ecs=self._region.ecs,
            pacer=self._region.pacer,
            plan=self._plan,
            look=self._look,
            max_in_flight=self._limits.max_in_flight,
        )
        yield from execution.outcomes(iter(jobs))
        summary.code, summary.reason = execution.stopped_by, execution.stopped_because

    def _plan(self, disk_id: str, attempt: int) -> SnapshotRequest:
        return plan_snapshot(self._run.slot, self._run.policy.snapshot, disk_id, attempt=attempt)

    def _look(self, disk_id: str) -> Entry:
        snapshots = self._region.inventory.disk_snapshots(disk_id)
        return read_ledger(snapshots, self._run.slot).get(disk_id, Entry())

    # --- the end -------------------------------------------------------------------------------

    def _settle(self, outcome: Outcome, summary: Summary) -> None:
        summary.counts[outcome.status] += 1
        if self._run.asked_by == "direct":
            summary.outcomes.append(outcome)
        self._record(disk_record(outcome))

    def _judge(self, summary: Summary) -> None:
        summary.status = verdict(summary.counts)
        if summary.code:
            summary.reason += "; this ended the run: every further call would fail too"
            return
        summary.reason = ""
        if summary.counts.keys() == {"skipped"}:
            # Nothing is wrong, and nothing was done: no failure, and never "ok". Who asked
            # for these very disks did not get what was asked for.
            summary.code, summary.reason = NOTHING_TAKEN, "every disk was skipped"
            summary.status = "failed" if self._run.asked_by == "direct" else "skipped"

    def _matched_nothing(self, summary: Summary) -> None:
        summary.code, summary.reason = MATCHED_NOTHING, "the policy matched no disk"
        if self._run.asked_by == "event":
            summary.status, summary.reason = "no_match", "the policy does not select the resource"
        elif self._run.policy.allow_empty:
            summary.status = "ok"

    def _end(self, summary: Summary) -> Record:
        calls = self._region.pacer.calls - self._calls_before
        return {
            "record": "run_finished",
            "status": summary.status,
            "code": summary.code,
            "reason": summary.reason,
            **{f"count_{status}": str(number) for status, number in summary.counts.items()},
            **{f"calls_{api}": str(number) for api, number in calls.items()},
        }

    def _record(self, record: Record) -> None:
        slot = self._run.slot
        self._recorder.add(
            {
                "deployment": slot.deployment,
                "policy": slot.policy,
                "region": slot.region,
                "slot": slot.slot_id,
                "occurrence": "/".join(slot.occurrence),
                "occurred_at": utc(slot.occurred_at) if slot.occurred_at else "",
                "part": "1",
                "dry_run": "true" if self._run.dry_run else "false",
                **record,
            }
        )
