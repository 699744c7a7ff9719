"""
The records of a run, and how it ended.

`part_started` contains what is needed to restart the run, `disk` an outcome, `part_finished` the
counts, and `waiting` shows that a run without other records is at work.
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
"""The most disks in one answer, a few megabytes: Function Compute returns at most 32 MB."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """How a run ended; `outcomes` only for a direct request, whose caller waits for them."""

    run: Run
    status: str = "failed"
    """``ok``, ``partially_failed``, ``failed``; ``skipped`` where no disk could have a snapshot;
    ``no_match`` if no disk was selected; ``continued`` if another invocation does the rest."""
    code: str = ""
    reason: str = "interrupted"
    started: bool = True
    """False if a listing failed, so that no snapshot was requested."""
    next_at: datetime | None = None
    """When the next part is due; None if there is none."""
    counts: Counter[str] = field(default_factory=Counter)
    """Disks by status, in this part."""
    unchanged: Counter[str] = field(default_factory=Counter)
    """The disks among them that an earlier part recorded with the same status and code."""
    in_all: Mapping[str, int] = field(default_factory=dict)
    """Disks by status, in all parts so far."""
    outcomes: list[Outcome] = field(default_factory=list)
    left_out: int = 0
    """How many outcomes were left out of `outcomes`."""

    def show(self, outcome: Outcome) -> None:
        """Keep an outcome for the answer, up to `MAX_SHOWN`; all of them are recorded."""
        if len(self.outcomes) < MAX_SHOWN:
            self.outcomes.append(outcome)
        else:
            self.left_out += 1

    @property
    def failed(self) -> bool:
        """Return whether disks are left without a snapshot, and no part follows."""
        return self.status in ("partially_failed", "failed")

    @property
    def is_read(self) -> bool:
        """
        Return whether the caller reads in the answer how the run ended.

        The caller of a direct request does. Function Compute only sees whether there was an
        exception, and no caller waits for a part that was continued.
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
        """The FC request id of the invocation that started the run's first part."""

    def started(self, *, part: int | None = None) -> None:
        """
        Record that the part began, and wait until the record is written.

        A run must be on record before its first snapshot is requested.
        """
        clock, function = self._runtime.clock, self._runtime.fc_function
        ends_at = clock.now() + timedelta(seconds=self._runtime.ends - clock.monotonic())
        self._add(
            {
                "record": "part_started",
                "event": json.dumps(self._run.content, sort_keys=True),
                "warnings": "\n".join(self._run.policy.warnings),
                # When the function ends at the latest; and which one it is, for operators.
                "ends_at": utc(ends_at),
                "fc_service": function.service,
                "fc_function": function.name,
            },
            part=part,
        )
        self._recorder.flush()

    def disk_finished(self, outcome: Outcome) -> None:
        """Record one disk's outcome."""
        self._add(disk_record(outcome))

    def finished(
        self,
        summary: Summary,
        calls: Mapping[str, int],
        throttled: Mapping[str, int],
        *,
        part: int | None = None,
    ) -> None:
        """Record how the part ended; `calls`, and those of them that were throttled, by API."""
        self._add(
            {
                "record": "part_finished",
                "status": summary.status,
                "code": summary.code,
                "reason": summary.reason,
                "next_at": utc(summary.next_at) if summary.next_at else "",
                **_numbered("count", summary.counts),
                **_numbered("unchanged", summary.unchanged),
                **_numbered("in_all", summary.in_all),
                **_numbered("calls", calls),
                **_numbered("throttled", throttled),
            },
            part=part,
        )

    def waits(self, disks: int, pause_s: float) -> None:
        """Record that the run waits; a run without records for ten minutes is restarted."""
        until = utc(self._runtime.clock.now() + timedelta(seconds=round(pause_s)))
        reason = f"{disks} disks wait; the next call is due at {until}"
        self._add({"record": WAITING, "count_waiting": str(disks), "reason": reason})

    def lists(self) -> None:
        """Record that the run still reads its listings, for the same reason."""
        reason = "a listing is rejected or throttled, and is retried"
        self._add({"record": WAITING, "reason": reason})

    def _add(self, record: Record, *, part: int | None = None) -> None:
        run_key = self._run.run_key
        self._recorder.add(
            {
                "deployment": run_key.deployment,
                "policy": run_key.policy,
                "region": run_key.region,
                "run_id": run_key.run_id,
                "trigger_id": "/".join(run_key.trigger_id),
                "trigger_time": utc(run_key.trigger_time) if run_key.trigger_time else "",
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
    Records every few minutes that a run whose listing takes long is at work.

    The pacer, which outlives the run, holds it. So it refers to the run's log only, and the disks
    and existing snapshots of a run that has ended are freed at once.
    """

    def __init__(self, log: RunLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._shown_at = clock.monotonic()

    def show(self) -> None:
        """Record it if the last record is old enough."""
        now = self._clock.monotonic()
        if now - self._shown_at >= SIGN_OF_LIFE_S:
            self._shown_at = now
            self._log.lists()
