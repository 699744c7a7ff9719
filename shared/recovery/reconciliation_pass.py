"""What the steps of one reconciliation pass share: its time, its records, what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clients.fc_errors import FcError
from shared.errors import ReconcileError
from shared.policies.policy import PolicyFile
from shared.records.outcome import Record
from shared.records.recorder import Recorder
from shared.runtime.context import FunctionName, Runtime

MARGIN = timedelta(hours=2)
"""How much longer than `max_trigger_age_hours` records are read, so that a run that has just become
too old is reported once."""


@dataclass(slots=True, kw_only=True)
class ReconcileResult:
    """What a pass did."""

    resumed: list[str] = field(default_factory=list)
    """Ids of the runs that were restarted."""
    caught_up: list[str] = field(default_factory=list)
    """Trigger ids of the missed timer runs that were started."""
    waiting: int = 0
    """Unfinished runs that may still be at work."""
    problems: list[str] = field(default_factory=list)
    """One line each; the pass raises them at its end."""


class ReconciliationPass:
    """The surroundings of one pass, and its result so far."""

    def __init__(
        self, runtime: Runtime, recorder: Recorder, file: PolicyFile, *, dry_run: bool
    ) -> None:
        self.runtime = runtime
        self.file = file
        self.dry_run = dry_run
        self.now = runtime.clock.now()
        self.max_age = timedelta(hours=file.limits.max_trigger_age_hours)
        self.result = ReconcileResult()
        self.error_count = 0
        """Steps that ended with an error, and that the next pass therefore retries."""
        self._recorder = recorder

    @property
    def oldest(self) -> datetime:
        """The time from which records are read."""
        return self.now - self.max_age - MARGIN

    def guarded(self, what: str, step: Callable[[], object]) -> None:
        """Run one step. On error, report the problem and continue; the next pass retries it."""
        problem = ""
        try:
            if self.runtime.clock.monotonic() < self.runtime.deadline:
                step()
            else:
                problem = "the function's time ran out"
        except (FcError, ReconcileError) as exc:
            problem = str(exc)
        except Exception as exc:  # noqa: BLE001 - one step's error must not affect the others
            problem = f"unexpected error: {type(exc).__name__}: {exc}"
        if problem:
            self.error_count += 1
            self.report(what, f"{problem}; the next pass retries it")

    def report(self, what: str, problem: str) -> None:
        """Add a problem of a run or a timer."""
        self.result.problems.append(f"{what}: {problem}")

    def record(self, kind: str, fields: Record) -> None:
        """Add a record; a dry run adds none, because nothing was started."""
        if not self.dry_run:
            self._recorder.add({"record": kind, **fields})

    def record_end(self, kind: str, checkpoint: Record) -> None:
        """Add the record of the pass itself, also in a dry run."""
        result = self.result
        self._recorder.add(
            {
                "record": kind,
                "status": "failed" if result.problems else "ok",
                "reason": "\n".join(result.problems),
                "count_resumed": str(len(result.resumed)),
                "count_caught_up": str(len(result.caught_up)),
                "count_waiting": str(result.waiting),
                "dry_run": "true" if self.dry_run else "false",
                **checkpoint,
            }
        )

    def function(self, name: str) -> FunctionName:
        """Return a function of this deployment from the settings, never from a record."""
        return self.runtime.fc_functions[name]
