"""Restarts unfinished runs, and records each restart after Function Compute accepted it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.clients.fc import Fc
from shared.clients.fc_errors import FcError
from shared.records.outcome import Record
from shared.records.reader import Reader
from shared.recovery.reconciliation_pass import ReconciliationPass
from shared.recovery.restart_plan import RestartPlan, plan_restart
from shared.recovery.unfinished_runs import DEFERRED, NOT_RESUMED, RESUMED, UnfinishedRun
from shared.runtime.clock import parse_instant
from shared.triggers.continuation import Chain, ContinuationStarter, link_of


class RunRestarter:
    """Restarts the runs of one reconciliation pass."""

    def __init__(self, current: ReconciliationPass, reader: Reader, fc: Fc) -> None:
        self._pass = current
        self._reader = reader
        self._fc = fc

    def restart(self, unfinished: UnfinishedRun) -> None:
        """
        Restart a run, unless it may still be at work or its restart is known to be impossible.

        Raises:
            ReconcileError: The records could not be read.

        """
        current = self._pass
        if unfinished.restart_failure_recorded:
            return
        if current.now < unfinished.stale_at(self._last_record_at(unfinished)):
            current.result.waiting += 1
            return
        plan = plan_restart(
            self._with_event(unfinished),
            current.file,
            account_id=current.runtime.account_id,
            region=current.runtime.region,
            now=current.now,
        )
        plan = self._carried_out(unfinished, plan)
        if plan.run_key is None:
            self._record_failure(unfinished, plan)
            return
        restarted = {
            "status": RESUMED,
            "reason": unfinished.why,
            "part": "1",
            "chain": unfinished.chain,
        }
        current.record(RESUMED, {**_run_fields(unfinished), **restarted})
        current.result.resumed.append(unfinished.run_id)

    def _with_event(self, unfinished: UnfinishedRun) -> UnfinishedRun:
        """Return the run with its event, which is read again if it was too large to be kept."""
        if "event" in unfinished.started:
            return unfinished
        started = self._reader.start_of_run(
            unfinished.run_id,
            unfinished.started.get("request_id", ""),
            since=self._pass.oldest,
            until=self._pass.now,
        )
        return replace(unfinished, started={**unfinished.started, "event": started["event"]})

    def _last_record_at(self, unfinished: UnfinishedRun) -> datetime:
        """Return the time of the run's latest record; reads SLS only if the run seems stale."""
        current = self._pass
        if current.now < unfinished.stale_at(unfinished.last_at):
            return unfinished.last_at
        newest = self._reader.newest_of_run(
            unfinished.run_id, since=current.oldest, until=current.now
        )
        at = parse_instant(newest.get("at")) if newest else None
        return max(unfinished.last_at, at or unfinished.last_at)

    def _carried_out(self, unfinished: UnfinishedRun, plan: RestartPlan) -> RestartPlan:
        """Return the plan if Function Compute accepted it, else why the run was not restarted."""
        if plan.run_key is None:
            return plan
        function = self._pass.function(unfinished.started.get("function", ""))
        starter = ContinuationStarter(self._fc, function)
        so_far = Chain(began_at=unfinished.began_at, due_at=self._pass.now)
        link = link_of(plan.run_key, part=1, chain=unfinished.chain, so_far=so_far)
        if not starter.takes(link, plan.content):
            reason = f"{unfinished.why}, and its event is too large for an asynchronous invocation"
            return RestartPlan(run_key=None, code="TooLarge", reason=reason)
        try:
            if not self._pass.dry_run:
                starter.start(link, plan.content)
        except FcError as exc:
            return RestartPlan(run_key=None, code=exc.code, reason=str(exc), status=DEFERRED)
        return plan

    def _record_failure(self, unfinished: UnfinishedRun, plan: RestartPlan) -> None:
        why = {"status": plan.status, "code": plan.code, "reason": plan.reason}
        self._pass.record(NOT_RESUMED, {**_run_fields(unfinished), **why})
        if plan.status != "skipped":
            self._pass.report(f"run {unfinished.run_id}", f"{plan.code}: {plan.reason}")


def _run_fields(unfinished: UnfinishedRun) -> Record:
    """Return the fields of a record that identify a run."""
    names = ("deployment", "policy", "region", "run_id", "trigger_id", "trigger_time", "dry_run")
    return {name: unfinished.started.get(name, "") for name in names}
