"""
Runs a seed with the real package, in real processes, in the emulated FC.

The emulator's clock is some hours behind the machine's, because functions use the machine's clock
and reject events of the future. Waits of FC and of snapshots are skipped. Waits of a function take
real time, so there are few disks, and faults that end soon. A process is killed (SIGKILL) during
one of its calls, before or after the effect.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import emulator
from cli.package import ROOT, package, version_to_try
from emulator import Cloud, ManualClock
from emulator.chaos import SeededFaults
from emulator.fc.results import Result
from emulator.fc.state import AsyncConfig, Function
from shared.runtime.clock import utc
from tests.chaos.delivery import Delivery
from tests.chaos.process_interceptor import ProcessInterceptor
from tests.chaos.scenario import Fate, Scenario
from tests.chaos.stage import LOG, POLICY, PROD, arranged
from tests.packages import let_run_packages
from tests.shipped import FUNCTIONS, HANDLER, role_policy, variables

NAME = "snapshot_on_schedule"
BEHIND = timedelta(hours=9)
FAULTS_LAST = 5
"""How many deliveries have faults; later ones have none, because they take real time."""
_LOOK_S = 0.05
Run = Callable[..., Result]


@contextmanager
def built() -> Iterator[Path]:
    """Build the function's package once for many seeds; it is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="chaos-build-") as folder:
        package(ROOT / "policies.yaml", Path(folder) / "build", version=version_to_try())
        yield Path(folder) / "build" / NAME


class BehindClock(ManualClock):
    """A clock some hours behind the machine's, which can be advanced."""

    def __init__(self) -> None:
        super().__init__(datetime.now(timezone.utc) - BEHIND)
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Return the time to which it was advanced, plus the real time since."""
        return super().now() + timedelta(seconds=time.monotonic() - self._began)


class World:
    """The emulator of one seed with the deployed package, and what happened in it."""

    def __init__(self, scenario: Scenario, code: Path, folder: Path) -> None:
        self.scenario = scenario
        self.deliveries: list[Delivery] = []
        self.unfinished_after_passes: list[str] = []
        """Empty, because `resume_runs` does not run here."""
        self.clock = BehindClock()
        self.cloud = Cloud(
            regions=scenario.regions,
            clock=self.clock,
            ecs_settings=emulator.EcsSettings(**scenario.ecs_settings),
            seed=scenario.seed,
        )
        self.cloud.sls.create_project(LOG[0])
        self.cloud.sls.create_logstore(*LOG)
        self.faults = SeededFaults(scenario.seed, scenario.chances)
        (region,) = scenario.regions
        self.disks: dict[str, dict[str, Fate]] = {region: dict(arranged(self.cloud, scenario))}
        self.interceptor = ProcessInterceptor(self.cloud, scenario)
        self._began = time.monotonic()
        self._begun = 0
        self._lock = threading.Lock()
        self._function = self._deploy(code, folder)
        executor = self.cloud.fc().region.executor
        executor.run = self._observed(executor.run)  # type: ignore[method-assign] # wraps it
        at = utc(self.clock.now().replace(microsecond=0))
        self.trigger_ids: list[tuple[str, ...]] = [("timer", POLICY, at)]
        event = {"triggerName": POLICY, "triggerTime": at, "payload": ""}
        self.event = json.dumps(event).encode()

    @property
    def records(self) -> list[Mapping[str, str]]:
        """All records in SLS and on stdout, in no particular order."""
        return [record for one in self.deliveries for record in one.records]

    @property
    def written(self) -> list[str]:
        """All output of the functions; FC writes what they print to SLS."""
        texts = [repr(one) for one in self.cloud.sls.records(*LOG)]
        for one in self.cloud.fc().invocations:
            texts.append(one.event.decode())
            texts += [part.decode() for result in one.results for part in (result.body, result.log)]
        return texts

    @property
    def done(self) -> bool:
        """Whether an answer reports success."""
        answers = [one.answer for one in self.deliveries if one.ok]
        return any(isinstance(one, dict) and one["status"] == "ok" for one in answers)

    def deliver(self) -> None:
        """Send the event to FC."""
        self.cloud.fc().submit(self._function, self.event)

    def end_faults(self) -> None:
        """Cause no more faults and kills."""
        self.cloud.faults.clear()
        self.interceptor.calm = True

    def rest(self, seconds: float) -> None:
        """Advance the clock so far, and run everything at the time at which it is due."""
        at = self.clock.now() + timedelta(seconds=seconds)
        self._carry_out()
        while (due := self.cloud.next_due()) is not None and due <= at:
            self._leap(due)
            self._carry_out()
        self._leap(at)

    def _leap(self, at: datetime) -> None:
        self.clock.advance(max(0.0, (at - self.clock.now()).total_seconds()))

    def _carry_out(self) -> None:
        """Run everything that is due, each in a thread, including what becomes due meanwhile."""
        running: list[threading.Thread] = []

        def spawn(work: Callable[[], None]) -> None:
            running.append(threading.Thread(target=work))
            running[-1].start()

        self.cloud.tick(spawn)
        while running:
            running[0].join(_LOOK_S)
            running[:] = [one for one in running if one.is_alive()]
            self.cloud.tick(spawn)

    def _deploy(self, code: Path, folder: Path) -> Function:
        api = self.scenario.fc_api
        declared = FUNCTIONS[NAME]
        role = declared.role
        self.cloud.add_role(role, [role_policy(NAME)])
        policies = folder / "policies.json"
        policies.write_text(json.dumps(self._policies()))
        let_run_packages(self.cloud)
        fc = self.cloud.fc()
        fc.settings.retry_user_errors = True
        own = {"POLICIES_FILE": str(policies), "LOG_LEVEL": "DEBUG", "SLS_PROJECT": LOG[0]}
        return fc.add_function(
            NAME,
            code,
            service=fc.add_service(role, role=declared.role_arn, log=LOG) if api == "2.0" else None,
            log=None if api == "2.0" else LOG,
            async_config=AsyncConfig(max_retries=declared.max_retries, task_mode=True),
            runtime=declared.runtime,
            role=declared.role_arn,
            handler=HANDLER,
            timeout=self.scenario.timeout_s,
            memorySize=declared.memory_mb,
            environmentVariables={**variables(NAME, api), **own},
        )

    def _policies(self) -> dict[str, Any]:
        policy = {"name": POLICY, "on": {"timer": POLICY}, "select": {"tags": PROD}}
        return {"deployment": "chaos", "limits": self.scenario.limits, "policies": [policy]}

    def _observed(self, run: Run) -> Run:
        def observed(function: Function, event: bytes, *, request_id: str) -> Result:
            began_s = time.monotonic() - self._began
            with self._lock:
                self._begun += 1
                if self._begun > FAULTS_LAST:
                    self.end_faults()
            result = run(function, event, request_id=request_id)
            visit = self.interceptor.left(result.instance_id)
            with self._lock:
                delivery = Delivery(
                    number=len(self.deliveries),
                    function=function.name,
                    request_id=request_id,
                    event=event,
                    key=visit.key,
                    timeout_s=function.timeout_s,
                    began_s=began_s,
                    passed_s=time.monotonic() - self._began,
                    calls=visit.calls,
                    snapshot_ids=visit.snapshot_ids,
                    in_sls=visit.in_sls,
                    printed=list(_printed(result.log)),
                )
                self.deliveries.append(delivery)
            if result.ok:
                delivery.answer = json.loads(result.body)
            elif result.kind == "FunctionTimeoutError":
                delivery.end = "timeout"
            elif visit.killed:
                delivery.end = "killed"
            else:
                delivery.error = RuntimeError(result.body.decode())
            return result

        return observed


def _printed(log: bytes) -> Iterator[Mapping[str, str]]:
    for line in log.decode(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "record" in record:
            yield record


def play(world: World) -> None:
    """Run a seed to its end; an event without success is delivered once more."""
    scenario = world.scenario
    world.cloud.faults.seeded = world.faults
    with emulator.serve(world.cloud):
        for _ in range(scenario.copies):
            world.deliver()
            if not scenario.together:
                world.rest(scenario.gap_s)
        world.rest(3600)
        world.end_faults()
        world.rest(scenario.ecs_settings["listing_lag_s"] + 3600)
        if not world.done:
            world.deliver()
        world.rest(3600)
