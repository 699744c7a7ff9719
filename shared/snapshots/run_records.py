"""
What a run says of itself: how it ends, and its records on the way.

Three kinds of record, each with the slot: `run_started` holds what is needed to start the
slot again, `disk` an outcome, `run_finished` the counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.records.outcome import Outcome, Record, disk_record
from shared.records.recorder import Recorder
from shared.runtime.clock import Clock, utc
from shared.runtime.context import Runtime
from shared.snapshots.execution import SIGN_OF_LIFE_S
from shared.triggers.routing import Run

CONTINUED = "continued"
WAITING = "waiting"


MAX_SHOWN = 10_000
"""Disks in one answer, a few megabytes of them: Function Compute answers with 32 MB at most."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """How a run ended; `outcomes` only where somebody waits for them."""

    run: Run
    status: str = "failed"
    """``ok``, ``partial``, ``failed``; ``skipped`` where no disk could have a snapshot;
    ``no_match`` where nothing was wanted; ``continued`` where the rest was handed over."""
    code: str = ""
    reason: str = "interrupted"
    started: bool = True
    """False if ledger or selection could not be read: no call that writes was made."""
    next_at: datetime | None = None
    """When the next part is due; None where there is none."""
    counts: Counter[str] = field(default_factory=Counter)
    """By status, in this part."""
    unchanged: Counter[str] = field(default_factory=Counter)
    """Of these the ones that are on record from an earlier part."""
    in_all: Mapping[str, int] = field(default_factory=dict)
    """By status, of the disks that this part and those before are done with."""
    outcomes: list[Outcome] = field(default_factory=list)
    left_out: int = 0
    """How many outcomes there were beside those."""

    def show(self, outcome: Outcome) -> None:
        """Keep an outcome for whoever waits; all of them are on record."""
        if len(self.outcomes) < MAX_SHOWN:
            self.outcomes.append(outcome)
        else:
            self.left_out += 1

    @property
    def failed(self) -> bool:
        """Say whether something that was wanted is left undone, and nobody goes on with it."""
        return self.status in ("partial", "failed")

    @property
    def is_read(self) -> bool:
        """
        Say whether somebody reads in the answer how the run ended.

        Who asks directly does; FC only sees whether there was an exception, and nobody waits
        for a part that was handed over.
        """
        return self.run.trigger_kind == "direct" and self.run.link is None and self.started


class RunLog:
    """The records of one run."""

    def __init__(self, run: Run, runtime: Runtime, recorder: Recorder) -> None:
        self._run = run
        self._runtime = runtime
        self._recorder = recorder
        first = runtime.request_id or f"at-{utc(runtime.clock.now())}"
        self.chain = run.link.chain if run.link else first
        """The FC request id of the invocation with which the chain of this run's parts began."""

    def started(self, *, part: int | None = None) -> None:
        """
        Record that the run began, and wait until the record is out.

        What is started has to be visible before the first snapshot is asked for.
        """
        clock, function = self._runtime.clock, self._runtime.fc_function
        ends_at = clock.now() + timedelta(seconds=self._runtime.ends - clock.monotonic())
        self._add(
            {
                "record": "run_started",
                "event": json.dumps(self._run.content, sort_keys=True),
                "warnings": "\n".join(self._run.policy.warnings),
                # When it is over at the latest; and what ran it, for a person.
                "ends_at": utc(ends_at),
                "fc_service": function.service,
                "fc_function": function.name,
            },
            part=part,
        )
        self._recorder.flush()

    def disk_finished(self, outcome: Outcome) -> None:
        """Record what became of one disk."""
        self._add(disk_record(outcome))

    def finished(
        self, summary: Summary, calls: Mapping[str, int], *, part: int | None = None
    ) -> None:
        """Record how the run ended; `calls` by API."""
        self._add(
            {
                "record": "run_finished",
                "status": summary.status,
                "code": summary.code,
                "reason": summary.reason,
                "next_at": utc(summary.next_at) if summary.next_at else "",
                **_numbered("count", summary.counts),
                **_numbered("unchanged", summary.unchanged),
                **_numbered("in_all", summary.in_all),
                **_numbered("calls", calls),
            },
            part=part,
        )

    def waits(self, disks: int, pause_s: float) -> None:
        """Record that the run is at work and waits: without a record it would count as dead."""
        until = utc(self._runtime.clock.now() + timedelta(seconds=round(pause_s)))
        reason = f"{disks} disks wait; the next is asked for again at {until}"
        self._add({"record": WAITING, "count_waiting": str(disks), "reason": reason})

    def lists(self) -> None:
        """Record that the run is at work and still reads what there is; for the same reason."""
        reason = "a listing is refused or throttled for the moment, and tried again"
        self._add({"record": WAITING, "reason": reason})

    def _add(self, record: Record, *, part: int | None = None) -> None:
        slot = self._run.slot
        self._recorder.add(
            {
                "deployment": slot.deployment,
                "policy": slot.policy,
                "region": slot.region,
                "slot": slot.run_id,
                "occurrence": "/".join(slot.occurrence),
                "occurred_at": utc(slot.occurred_at) if slot.occurred_at else "",
                "part": str(self._run.part if part is None else part),
                "chain": self.chain,
                "dry_run": "true" if self._run.dry_run else "false",
                **record,
            }
        )


def _numbered(what: str, numbers: Mapping[str, int]) -> Record:
    return {f"{what}_{name}": str(number) for name, number in numbers.items()}


class SignsOfLife:
    """
    Records now and then that a run whose listing takes long is at work.

    It is called by what outlives the run, so it knows the run's log and nothing else of it: the
    disks and the ledger of a run that has ended are let go at once.
    """

    def __init__(self, log: RunLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._shown_at = clock.monotonic()

    def show(self) -> None:
        """Record it, if the last time was long enough ago."""
        now = self._clock.monotonic()
        if now - self._shown_at >= SIGN_OF_LIFE_S:
            self._shown_at = now
            self._log.lists()
