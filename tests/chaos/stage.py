"""
Runs a scenario: an emulator with the functions in it, all in this process.

The emulated FC calls the functions, retries them, and starts the parts that they request. Never
checks an invariant.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import emulator
from emulator import Cloud
from emulator.chaos import SeededFaults
from emulator.ecs.state import Snapshot
from emulator.fc.bootstrap import FCContext
from emulator.fc.callables import EndedError
from emulator.fc.state import AsyncConfig, Function
from functions.record_completion import index as completion
from functions.resume_runs import index as resume
from functions.snapshot_on_event import index as on_event
from functions.snapshot_on_schedule import index as on_schedule
from shared.identity import RUN_ID_TAG
from shared.records import recorder
from shared.runtime.clock import parse_instant, utc
from tests.chaos.clock import ChaosClock, DeliveryClock
from tests.chaos.delivery import Delivery, KilledError
from tests.chaos.interceptor import Barrier, Interceptor
from tests.chaos.output_capture import OutputCapture, captured_output
from tests.chaos.replacement import replaced
from tests.chaos.scenario import Fate, Scenario
from tests.component.world import environment
from tests.shipped import role_policy

ROOT = Path(__file__).parent.parent.parent
START = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
ACCOUNT_ID = "1234567890123456"
LOG = ("snapshot-automation", "records")
POLICY = "nightly"
PROD = {"env": "prod"}
LEFT_OUT = {"snapshot": "never"}
FAULTS_LAST_S = 6 * 3600.0
"""The time after which no fault happens any more, and every run has to end."""
PASSES = 3
"""How many passes `resume_runs` makes after the faults have ended, one every ten minutes."""
_BAD: Mapping[str, dict[str, Any]] = {
    "arrears": {"in_arrears": True},
    "local": {"category": "local_ssd_pro"},
    "unused": {"ever_used": False},
    "stuck": {"status": "Detaching"},
    "attaching": {"status": "Attaching"},
}
THEIRS = {"team": "theirs"}
NOT_THEIRS = {
    "Effect": "Deny",
    "Action": "ecs:CreateSnapshot",
    "Resource": "acs:ecs:*:*:disk/*",
    "Condition": {"StringEquals": {"ecs:tag/team": "theirs"}},
}
"""A statement that denies the roles the `forbidden` disks."""
LATE_S = 24.5 * 3600
"""When the last copies come: ECS has deleted what is kept for a day."""
NEIGHBOUR = "neighbour"
"""Another deployment's `resume_runs`."""
STUCK_S = 26 * 3600.0
"""The time after the last event at which every run is too old."""
EVENT_TYPE = "ecs:Instance:StateChange"
Handler = Callable[..., Any]
HANDLERS: Mapping[str, Handler] = {
    "snapshot_on_schedule": on_schedule.handler,
    "snapshot_on_event": on_event.handler,
    "record_completion": completion.handler,
    "resume_runs": resume.handler,
}
ENDS = "record_completion"
"""The functions that are deployed in every region, because each has its own events."""
COMPLETED = '{"source": ["acs.ecs"], "type": ["ecs:Snapshot:CreateSnapshotCompleted"]}'


class Stage:
    """The emulator of one scenario, and what happened in it."""

    def __init__(
        self, scenario: Scenario, folder: Path, shown: OutputCapture, logged: list[str]
    ) -> None:
        self.scenario = scenario
        self.shown = shown
        self.logged = logged
        self.deliveries: list[Delivery] = []
        self.unfinished_after_passes: list[str] = []
        """Runs that `resume_runs` could know of, and that did not end."""
        self._are_free = False
        """Whether the disks that were being attached are attached by now."""
        self._thread = threading.local()
        self.calm = False
        """Whether the faults have ended: no fault, no kill, no key that expires."""
        self.sent: list[bytes] = []
        """The events, one for each trigger."""
        self.disks: dict[str, dict[str, Fate]] = {}
        """The kind of each disk, by region and id."""
        self.clock = ChaosClock(START, seed=scenario.seed)
        self.cloud = Cloud(
            regions=scenario.regions,
            account_id=ACCOUNT_ID,
            clock=self.clock,
            ecs_settings=emulator.EcsSettings(**scenario.ecs_settings),
            seed=scenario.seed,
        )
        self.cloud.sls.create_project(LOG[0])
        self.cloud.sls.create_logstore(*LOG)
        self.faults = SeededFaults(scenario.seed, scenario.chances)
        self.policies_path = folder / "policies.json"
        self.interceptor = Interceptor(self.cloud, self.clock, log=LOG)
        self._lock = threading.Lock()
        self.made: dict[str, dict[str, Snapshot]] = {region: {} for region in scenario.regions}
        """By region and id, every snapshot that existed, including those that ECS deleted."""
        self._restored: set[str] = set()
        """The snapshots from which a disk was restored."""
        self._write_policies(retention_days=scenario.retention_days)
        for region in scenario.regions:
            self.disks[region] = dict(arranged(self.cloud, scenario, region))
        home = scenario.regions[0]
        self._functions = {name: self._deploy(name, home) for name in HANDLERS if name != ENDS}
        self._completions = {region: self._deploy(ENDS, region) for region in scenario.regions}
        for region, function in self._completions.items():
            self.cloud.fc(region).add_rule(function, "completed", COMPLETED)
        if scenario.neighbour:
            self._functions[NEIGHBOUR] = self._deploy("resume_runs", home, called=NEIGHBOUR)

    @property
    def records(self) -> list[Mapping[str, str]]:
        """All records in SLS and on stdout, in no particular order."""
        return [record for one in self.deliveries for record in one.records]

    @property
    def written(self) -> list[str]:
        """All output: lines, records, answers, errors, payloads."""
        texts = [*self.shown.lines, *self.logged]
        texts += [repr(one) for one in self.cloud.sls.records(*LOG)]
        for region in self.scenario.regions:
            for one in self.cloud.fc(region).invocations:
                texts += [one.event.decode(), *(result.body.decode() for result in one.results)]
        return texts

    @property
    def trigger_ids(self) -> list[tuple[str, ...]]:
        """The trigger ids of the events that were sent."""
        return [_trigger_id(json.loads(event)) for event in self.sent]

    def unfinished_runs(self) -> list[str]:
        """Return the runs whose last start in SLS is not followed by a recorded end."""
        starts: dict[str, str] = {}
        ends: dict[str, str] = {}
        for one in self.deliveries:
            for record in one.in_sls if one.dead else one.records:
                at, kind = record["at"].rstrip("Z"), record["record"]
                if kind == "part_started" and record in one.in_sls:
                    starts[record["run_id"]] = max(at, starts.get(record["run_id"], ""))
                elif kind == "part_finished" and not self._continues(record):
                    ends[record["run_id"]] = max(at, ends.get(record["run_id"], ""))
        # Of simultaneous deliveries, the one that ended did everything.
        return sorted(run_key for run_key, at in starts.items() if at > ends.get(run_key, ""))

    def _continues(self, end: Mapping[str, str]) -> bool:
        """Return whether a run continues with a part that is due by now."""
        if end["status"] != "continued":
            return False
        due_at = parse_instant(end["next_at"])
        return due_at is not None and due_at <= self.clock.now()

    # --- arrange ---------------------------------------------------------------------------------

    def _write_policies(self, *, retention_days: int) -> None:
        on = {"timer": POLICY} if self.scenario.trigger != "event" else {"event": EVENT_TYPE}
        policy = {
            "name": POLICY,
            "on": on,
            "regions": list(self.scenario.regions),
            "select": {"tags": PROD, "exclude_tags": LEFT_OUT},
            "snapshot": {"retention_days": retention_days},
            "retry_failed_snapshots": self.scenario.retry_failed_snapshots,
        }
        content = {"deployment": "chaos", "limits": self.scenario.limits, "policies": [policy]}
        # Whole or not at all, as a deployment changes it: another delivery may be reading.
        fresh = self.policies_path.with_suffix(".new")
        fresh.write_text(json.dumps(content))
        fresh.replace(self.policies_path)
        theirs = {**content, "deployment": f"chaos-{NEIGHBOUR}"}
        self._neighbours_path.write_text(json.dumps(theirs))

    @property
    def _neighbours_path(self) -> Path:
        return self.policies_path.with_name("theirs.json")

    def _deploy(self, name: str, region: str, *, called: str = "") -> Function:
        fc = self.cloud.fc(region)
        fc.settings.retry_user_errors = self.scenario.retries
        document = role_policy(name)
        role = name.replace("_", "-")
        document["Statement"].append(NOT_THEIRS)
        self.cloud.add_role(role, [document])
        arn = f"acs:ram::{ACCOUNT_ID}:role/{role}"
        v2 = self.scenario.fc_api == "2.0"
        return fc.add_function(
            called or name,
            self._called(called or name, HANDLERS[name]),
            service=fc.add_service(f"{called}{role}", role=arn, log=LOG) if v2 else None,
            log=None if v2 else LOG,
            async_config=AsyncConfig(task_mode=True),
            role=arn,
            timeout=self.scenario.timeout_s,
        )

    # --- deliveries ------------------------------------------------------------------------------

    def _called(self, name: str, handler: Handler) -> Callable[[bytes, FCContext], object]:
        def call(event: bytes, context: FCContext) -> object:
            delivery = self._begun(name, event, context)
            clock = DeliveryClock(self.clock, delivery, skew_s=self.scenario.skew_s)
            theirs = {"POLICIES_FILE": str(self._neighbours_path)} if name == NEIGHBOUR else {}
            try:
                with environment(**theirs):
                    delivery.answer = handler(event, context, clock=clock)
            except KilledError:
                pass
            except Exception as exc:  # noqa: BLE001 - FC treats all exceptions alike
                delivery.error = exc
            self._ended(delivery)
            if delivery.dead:
                raise EndedError("timeout" if delivery.end == "timeout" else "exited")
            if delivery.error is not None:
                raise delivery.error
            return delivery.answer

        return call

    def _begun(self, name: str, event: bytes, context: FCContext) -> Delivery:
        with self._lock:
            number = len(self.deliveries)
            scenario = self.scenario
            key = self.cloud.keys.find(context.credentials.access_key_id)
            assert key is not None
            now_s = self.clock.passed_s()
            delivery = Delivery(
                number=number,
                function=name,
                request_id=context.request_id,
                event=event,
                key=key,
                timeout_s=context.function.timeout,
                began_s=now_s,
                passed_s=now_s,
            )
            if not self.calm:
                delivery.kill = dict(enumerate(scenario.kills)).get(number)
                delivery.expires_at_call = dict(enumerate(scenario.expiries)).get(number, 0)
            self.deliveries.append(delivery)
            self.interceptor.let_in(delivery)
            self.shown.runs(delivery)
            if scenario.edited_before and number >= scenario.edited_before:
                self._write_policies(retention_days=30)
        return delivery

    def _ended(self, delivery: Delivery) -> None:
        if delivery.kill is not None and delivery.kill.call == 0:
            delivery.die("killed")
        delivery.check_time()
        self.interceptor.barrier.arrive(delivery, wait=False)
        self._thread.ran = True

    # --- time ------------------------------------------------------------------------------------

    def deliver(self, event: bytes) -> None:
        """Send an event to FC."""
        name = "snapshot_on_event" if self.scenario.trigger == "event" else "snapshot_on_schedule"
        self.cloud.fc(self.scenario.regions[0]).submit(self._functions[name], event)

    def reconcile(self, name: str = "resume_runs") -> None:
        """Start a pass of `resume_runs`, as its timer does, or of the neighbour's by its name."""
        at = utc(self.clock.now().replace(second=0, microsecond=0))
        event = {"triggerName": "reconcile", "triggerTime": at, "payload": ""}
        function = self._functions[name]
        self.cloud.fc(self.scenario.regions[0]).submit(function, json.dumps(event).encode())

    def restore(self) -> None:
        """Restore a disk from each new snapshot, and snapshot it with the copied tags."""
        for region in self.scenario.regions:
            ecs = self.cloud.ecs(region)
            for one in list(ecs.snapshots.values()):
                if RUN_ID_TAG not in one.tags or one.snapshot_id in self._restored:
                    continue
                disk = ecs.add_disk(tags=dict(one.tags))
                copy = ecs.add_snapshot(disk.disk_id, status="progressing", tags=one.tags)
                self._restored |= {one.snapshot_id, copy.snapshot_id}
                self.disks[region][disk.disk_id] = "other"
                if len(self._restored) % 4:
                    ecs.fail_snapshot(copy.snapshot_id)

    def redeliver_completions(self) -> None:
        """Deliver the completion events again that FC put into the queue."""
        for region, function in self._completions.items():
            fc = self.cloud.fc(region)
            for one in fc.invocations:
                if one.function is function and one.status == "Failed":
                    fc.submit(function, one.event)

    def end_faults(self) -> None:
        """Cause no more faults and kills."""
        self.calm = True
        self.cloud.faults.clear()
        self.cloud.ecs_settings.max_calls_per_minute = None

    def make_events(self) -> None:
        """Make the events of this moment, one for each trigger."""
        self.sent = [self._event(number) for number in range(self.scenario.trigger_ids)]

    def _event(self, number: int) -> bytes:
        at = self.clock.now() - timedelta(minutes=number)
        if self.scenario.trigger == "direct":
            event: dict[str, object] = {"key": f"key-{number}", "policy": POLICY}
        elif self.scenario.trigger == "timer":
            event = {"triggerName": POLICY, "triggerTime": utc(at), "payload": ""}
        else:
            event = {
                "id": f"event-{number}",
                "source": "acs.ecs",
                "specversion": "1.0",
                "type": EVENT_TYPE,
                "datacontenttype": "application/json;charset=utf-8",
                "time": utc(at),
                "subject": f"acs:ecs:{self.scenario.regions[0]}:{ACCOUNT_ID}:instance/i-1",
                "aliyunaccountid": ACCOUNT_ID,
                "aliyunregionid": self.scenario.regions[0],
                "data": {"resourceId": "i-1", "state": "Stopped"},
            }
        return json.dumps(event).encode()

    def remember(self) -> None:
        """Remember the existing snapshots, before ECS deletes them by their retention."""
        for region, made in self.made.items():
            made.update(self.cloud.ecs(region).snapshots)

    def run_until(self, passed_s: float) -> None:
        """Run everything that is due by then, each at its own time."""
        if not self._are_free and self.scenario.busy_s <= passed_s:
            self._are_free = True
            self.run_until(self.scenario.busy_s)
            self._free()
        at = START + timedelta(seconds=passed_s)
        while True:
            self._run_due()
            due = self.cloud.next_due()
            self.remember()
            if due is None or due > at:
                break
            self.clock.leap((due - self.clock.now()).total_seconds())
        self.clock.leap((at - self.clock.now()).total_seconds())

    def _free(self) -> None:
        """Finish the attachment of disks that were being attached."""
        for region, disks in self.disks.items():
            for disk_id, fate in disks.items():
                if fate == "attaching":
                    self.cloud.ecs(region).disks[disk_id].status = "In_use"

    def _run_due(self) -> None:
        works: list[Callable[[], None]] = []
        spawn = works.append if self.scenario.together else (lambda work: work())
        self.cloud.tick(spawn)
        while works:
            self.interceptor.barrier = Barrier(len(works))
            threads = [threading.Thread(target=self._attend, args=(work,)) for work in works]
            works.clear()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.cloud.tick(spawn)

    def _attend(self, work: Callable[[], None]) -> None:
        """Run one of several jobs; the barrier does not wait for one that calls no function."""
        self._thread.ran = False
        work()
        if not self._thread.ran:
            self.interceptor.barrier.pass_by()


def arranged(
    cloud: Cloud, scenario: Scenario, region: str | None = None
) -> Iterator[tuple[str, Fate]]:
    """Put a scenario's disks into a region; yields the id and the kind of each."""
    ecs = cloud.ecs(region)
    host = ecs.add_instance().instance_id
    for _ in range(scenario.crowd):
        disk = ecs.add_disk(instance_id=host, tags={**PROD, **LEFT_OUT})
        yield disk.disk_id, "other"
    for fate in scenario.disks:
        tags = {} if fate == "other" else {**PROD, **(THEIRS if fate == "forbidden" else {})}
        locks = ("security",) if fate == "locked" else ()
        instance_id = ecs.add_instance(locks=locks).instance_id if locks else host
        about: dict[str, Any] = {"instance_id": instance_id, "tags": tags}
        disk_id = ecs.add_disk(**about, **_BAD.get(fate, {})).disk_id
        if fate == "full":
            for _ in range(cloud.ecs_settings.manual_snapshot_quota):
                ecs.add_snapshot(disk_id, created_at=cloud.clock.now() - timedelta(days=9))
        if fate == "doomed":
            ecs.fail_next(disk_id, count=1)
        if fate in ("busy", "long"):
            snapshot = ecs.add_snapshot(disk_id, status="progressing")
            if fate == "long":
                snapshot.ends_at = cloud.clock.now() + timedelta(seconds=scenario.busy_s)
        yield disk_id, fate


@contextmanager
def staged(scenario: Scenario, folder: Path) -> Iterator[Stage]:
    """Set up the emulator for a scenario; nothing has run yet."""
    # The recorder waits in real time before its second try, which tests nothing here.
    with replaced(recorder, "RETRY_DELAY_S", 0.01), captured_output() as (shown, logged):
        stage = Stage(scenario, folder, shown, logged)
        variables = {"POLICIES_FILE": str(stage.policies_path), "FC_API": scenario.fc_api}
        with environment(**variables), emulator.stub(stage.cloud):
            yield stage


def play(stage: Stage) -> None:
    """
    Run a scenario to its end.

    All copies of the events are delivered while faults happen. Then the faults end, and events
    without success are delivered once more.
    """
    scenario = stage.scenario
    _deliver_all(stage)
    stage.run_until(max(FAULTS_LAST_S, stage.clock.passed_s()))
    stage.end_faults()
    stage.run_until(stage.clock.passed_s() + scenario.ecs_settings["listing_lag_s"] + 3600)
    stage.redeliver_completions()
    for _ in range(PASSES if scenario.resumed else 0):
        _reconcile(stage)
    stage.unfinished_after_passes = stage.unfinished_runs() if scenario.resumed else []
    for event in stage.sent:
        if not any(_done(one) for one in stage.deliveries if one.event == event):
            stage.deliver(event)
    for _ in range(2):
        stage.run_until(stage.clock.passed_s() + scenario.ecs_settings["listing_lag_s"] + 3600)
        stage.redeliver_completions()
    # What is busy for ever is given up with its run.
    rest_s = STUCK_S if "stuck" in scenario.disks else 3600
    stage.run_until(stage.clock.passed_s() + rest_s)
    if scenario.late:
        stage.run_until(max(LATE_S, stage.clock.passed_s()))
        for event in stage.sent:
            stage.deliver(event)
        stage.run_until(stage.clock.passed_s() + 3600)


def _deliver_all(stage: Stage) -> None:
    """Deliver all copies of the events while faults happen."""
    scenario = stage.scenario
    stage.cloud.faults.seeded = stage.faults
    stage.make_events()
    for copy in range(scenario.copies):
        for event in stage.sent:
            stage.deliver(event)
        if not scenario.together and copy < scenario.copies - 1:
            stage.run_until(stage.clock.passed_s() + scenario.gap_s)
            if scenario.copied:
                stage.restore()
    if scenario.copied:
        stage.run_until(stage.clock.passed_s() + 60)
        stage.restore()


def _reconcile(stage: Stage) -> None:
    if stage.scenario.neighbour:
        stage.reconcile(NEIGHBOUR)
        stage.run_until(stage.clock.passed_s() + 60)
    stage.reconcile()
    stage.run_until(stage.clock.passed_s() + 600)


def _done(delivery: Delivery) -> bool:
    """Return whether the answer reports success; a direct request gets failures in its answer."""
    answer = delivery.answer
    return delivery.ok and isinstance(answer, dict) and answer["status"] == "ok"


def _trigger_id(event: Mapping[str, str]) -> tuple[str, ...]:
    if "key" in event:
        return ("direct", event["key"])
    if "triggerName" in event:
        return ("timer", event["triggerName"], event["triggerTime"])
    return ("event", event["source"], event["id"])
