"""
One invocation of a function that creates snapshots: parse the event, route it, run, answer.

The handlers in `functions/` pass their name and the kind of their trigger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.clients.fc import Fc
from shared.entrypoints.answer import answer_of_runs
from shared.entrypoints.invocation import (
    PAUSED,
    PAUSED_BECAUSE,
    Answer,
    carried_out,
    paused,
    policies_of,
    rejection_record,
)
from shared.errors import InvalidEventError, Problems, RunFailedError
from shared.policies.policy import Limits, PolicyFile
from shared.records.recorder import Recorder
from shared.runtime.clock import SYSTEM_CLOCK, Clock
from shared.runtime.context import Runtime, runtime_of
from shared.snapshots.next_part import NextPart, fan_out, needs_fan_out
from shared.snapshots.region import RegionContext
from shared.snapshots.run import Runner
from shared.snapshots.run_records import RunLog, Summary
from shared.triggers.continuation import ContinuationStarter, Link
from shared.triggers.parsing import Kind, parse_trigger
from shared.triggers.routing import Run, route
from shared.triggers.trigger import Trigger


def respond(
    event: bytes,
    context: Any,  # noqa: ANN401 - the runtime's own class
    *,
    function: str,
    kind: Kind,
    clock: Clock | None = None,
) -> Answer:
    """
    Handle one invocation.

    Args:
        event: The ``event`` argument of the handler.
        context: The ``context`` argument of the handler.
        function: The function's name, for its records.
        kind: The kind of its trigger, besides direct requests.
        clock: None means the machine's clock.

    Returns:
        ``{"status": …, "runs": […]}``. `status` is ``ok``, ``partially_failed`` or ``failed``;
        ``skipped`` if no disk could have a snapshot; ``continued`` if another invocation does
        the rest; or ``no_match``, ``disabled`` or ``paused`` if there was no run.

    Raises:
        InvalidSettingsError: The environment is invalid.
        InvalidPolicyError: The policies are invalid.
        InvalidEventError: The event, or one of a list, is invalid; the others were handled.
        RunFailedError: A run of a timer or an event left disks without a snapshot.

    """
    clock = clock or SYSTEM_CLOCK
    runtime = runtime_of(function, context, clock=clock)
    return carried_out(runtime, lambda recorder: _Invocation(runtime, recorder, event).handle(kind))


class _Invocation:
    def __init__(self, runtime: Runtime, recorder: Recorder, event: bytes) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._event = event
        self._regions: dict[str, RegionContext] = {}
        self._starter: ContinuationStarter | None = None
        if runtime.fc_api is not None:
            self._starter = ContinuationStarter(Fc(runtime), runtime.fc_function)

    def handle(self, kind: Kind) -> Answer:
        if self._runtime.paused:
            self._recorder.add(paused(self._event))
            return {"status": PAUSED, "reason": PAUSED_BECAUSE, "runs": []}
        file = policies_of(self._runtime, self._recorder, self._event)
        parsed = parse_trigger(
            self._event,
            kind=kind,
            account_id=self._runtime.account_id,
            region=self._runtime.region,
        )
        problems = Problems()
        problems.extend(parsed.problems)
        for draft in parsed.drafts:
            problems.extend(self._route(draft, file, None)[1])
        summaries: list[Summary] = []
        for trigger in parsed.triggers:
            summaries += self._runs(trigger, file, parsed.link, problems)
        return self._answer(parsed.triggers, summaries, problems)

    def _route(
        self, trigger: Trigger, file: PolicyFile, link: Link | None
    ) -> tuple[Sequence[Run], Problems]:
        now = self._runtime.clock.now()
        return route(trigger, file, region=self._runtime.region, now=now, link=link)

    def _runs(
        self, trigger: Trigger, file: PolicyFile, link: Link | None, problems: Problems
    ) -> list[Summary]:
        runs, found = self._route(trigger, file, link)
        problems.extend(found)
        if not runs and not found:
            self._recorder.add(_no_run_record(trigger))
        summaries = []
        for run in runs:
            log = RunLog(run, self._runtime, self._recorder)
            next_part = NextPart(run, log, self._starter)
            if needs_fan_out(run) and next_part.is_possible:
                summaries.append(fan_out(run, self._runtime.clock.now(), log, next_part))
                continue
            region = self._region(run.run_key.region, file.limits)
            try:
                runner = Runner(run, region, file.limits, log, self._starter)
                summaries.append(runner.carry_out())
            except InvalidEventError as exc:
                problems.extend(exc.problems)
        return summaries

    def _region(self, name: str, limits: Limits) -> RegionContext:
        if name not in self._regions:
            self._regions[name] = RegionContext(name, self._runtime, limits)
        return self._regions[name]

    def _answer(
        self, triggers: Sequence[Trigger], summaries: Sequence[Summary], problems: Problems
    ) -> Answer:
        failed = [summary for summary in summaries if summary.failed and not summary.is_read]
        if problems:
            error = InvalidEventError(problems, also="\n".join(map(_line, failed)))
            self._recorder.add(rejection_record(error, self._event))
            raise error
        if failed:
            raise RunFailedError("\n".join(map(_line, failed)))
        if not summaries:
            disabled = any(trigger.trigger_id[0] == "timer" for trigger in triggers)
            return {"status": "disabled" if disabled else "no_match", "runs": []}
        return answer_of_runs(summaries)


def _no_run_record(trigger: Trigger) -> Mapping[str, str]:
    timer = trigger.trigger_id[0] == "timer"
    return {
        "record": "disabled" if timer else "no_match",
        "status": "disabled" if timer else "no_match",
        "trigger_id": "/".join(trigger.trigger_id),
        "reason": "every policy on this timer is switched off"
        if timer
        else "no policy matches this event and its resources",
    }


def _line(summary: Summary) -> str:
    run_key = summary.run.run_key
    counted = summary.in_all or summary.counts
    counts = ", ".join(f"{number} {status}" for status, number in sorted(counted.items()))
    about = f"policy {run_key.policy} in {run_key.region}, run {run_key.run_id}: {summary.status}"
    return "; ".join(filter(None, [about, counts, summary.reason]))
