"""
The next part of a run: whether one may follow, and its start.

A part that cannot be started fails the run, and Function Compute delivers it again. Never decides
what is left, nor when the part is due.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.clients.fc_errors import FcError
from shared.records.outcome import CONTINUATION_FAILED
from shared.snapshots.progress import begun
from shared.snapshots.run_records import CONTINUED, RunLog, Summary
from shared.triggers.continuation import Chain, ContinuationStarter, link_of
from shared.triggers.routing import Run


class NextPart:
    """Starts the part after one part of a run."""

    def __init__(self, run: Run, log: RunLog, starter: ContinuationStarter | None) -> None:
        """Prepare; without a `starter` no part can follow."""
        self._run = run
        self._log = log
        self._starter = starter

    @property
    def is_possible(self) -> bool:
        """Whether a part can be started; the run's event may be too large for it."""
        if self._starter is None:
            return False
        link = link_of(self._run.run_key, part=self._run.part + 1, chain=self._log.chain)
        return self._starter.takes(link, self._run.content)

    def start(
        self, summary: Summary, so_far: Chain, *, delay_s: int = 0, part: int | None = None
    ) -> None:
        """Start it, and let the summary report that, or why it failed; `part`: not the next one."""
        if self._starter is None:
            return
        part = self._run.part + 1 if part is None else part
        link = link_of(self._run.run_key, part=part, chain=self._log.chain, so_far=so_far)
        try:
            self._starter.start(link, self._run.content, delay_s=delay_s)
        except FcError as exc:
            summary.status, summary.code, summary.started = "failed", CONTINUATION_FAILED, False
            summary.reason = f"part {part} could not be started: {exc}"
        else:
            summary.status, summary.code, summary.next_at = CONTINUED, "", so_far.due_at
            after = f" in {delay_s} s" if delay_s else ""
            summary.reason = f"continued by part {part}{after}"

    def report(self, summary: Summary, so_far: Chain) -> None:
        """
        Let the next part raise the run's failure, if that part can be started.

        Function Compute delivers an invocation that raised several times more: each would list
        and request everything again, with the same result.
        """
        started = replace(summary)
        self.start(started, so_far)
        if started.status == CONTINUED:
            summary.status, summary.code, summary.next_at = started.status, "", started.next_at
            summary.reason = f"the run ended; part {self._run.part + 1} reports its failure"


def needs_fan_out(run: Run) -> bool:
    """
    Return whether each region of a run's policy needs an invocation of its own.

    The caller of a direct request waits for the answer, so its regions are carried out one after
    the other; so are those of a dry run, which is never continued.
    """
    is_alone = run.trigger_kind == "direct" or run.dry_run
    return run.link is None and not is_alone and len(run.policy.regions) > 1


def fan_out(run: Run, now: datetime, log: RunLog, next_part: NextPart) -> Summary:
    """Start a run in another invocation; recorded as part 0, without which it would be missed."""
    summary = Summary(run=run)
    log.started(part=0)
    next_part.start(summary, begun(run, now), part=1)
    log.finished(summary, {}, {}, part=0)
    return summary
