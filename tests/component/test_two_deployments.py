"""Two deployments in one region, with one Logstore: each recovers its own, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from emulator.fc.state import AsyncConfig, Function
from shared.errors import InvalidEventError, InvalidPolicyError, InvalidSettingsError
from shared.runtime.deployment import identity_of
from tests.component.parts import Api
from tests.component.recovery import HOUR_S, MINUTE_S, NOON, KilledError
from tests.component.world import (
    LOGSTORE,
    PROJECT,
    REGION,
    World,
    environment,
    policy,
)

SETTINGS = {
    "snapshot_on_schedule": "SNAPSHOTS_ON_SCHEDULE_FUNCTION",
    "snapshot_on_event": "SNAPSHOTS_ON_EVENT_FUNCTION",
}
NIGHT = "2026-03-02T02:00:00Z"
DISKS = {"main": {"env": "prod"}, "main-2": {"env": "test"}}
"""The deployments, and which disks each takes. SLS searches for words: one's name holds the
other's."""


@dataclass
class Deployment(World):
    """One of them: a world with functions of its own names, in the cloud of both."""

    name: str = ""
    api: Api = "3.0"
    functions: dict[str, Function] = field(default_factory=dict)

    def deploy(self) -> None:
        """Deploy its functions, in a service of its own on FC 2.0, and its nightly timer."""
        fc = self.cloud.fc(REGION)
        service = fc.add_service(self.name) if self.api == "2.0" else None
        for name in SETTINGS:
            self.functions[name] = fc.add_function(
                f"{self.name}_{name}" if self.api == "3.0" else name,
                "def handler(event, context): return 'carried out by the test'",
                service=service,
                async_config=AsyncConfig(task_mode=True),
            )
        fc.add_timer(self.functions["snapshot_on_schedule"], "nightly", "0 0 2 * * *")
        self.policies(policy(select={"tags": DISKS[self.name]}))

    def policies(self, *policies: Mapping[str, Any], **top: Any) -> None:
        super().policies(*policies, **{"deployment": self.name, **top})

    def context(self, function: str = "function") -> Any:
        """Return the context with the names under which a function of this one is deployed."""
        context = super().context(function)
        if function in self.functions:
            context.function.name = self.functions[function].name
            context.service.name = self.functions[function].service_name or ""
        return context

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Let its functions have its settings and policies until the block ends."""
        names = {
            SETTINGS[name]: f"{self.name}/{one.name}" if one.service else one.name
            for name, one in self.functions.items()
        }
        variables = {"FC_API": self.api, "POLICIES_FILE": str(self.policies_path), **names}
        with environment(**variables):
            yield

    def reconcile(self) -> dict[str, Any]:
        with self.acting():
            return self.resume()

    def own_disk(self) -> str:
        return self.disk(tags=DISKS[self.name])

    def kill(self, *, at: str = NOON) -> None:
        """Let a tick be killed at its first call; of its records only the start is left."""

        def die(_: str) -> None:
            self.fault("error", service="sls", action="PutLogs", status=403, times=None)
            raise KilledError

        self.before_create(die)
        with self.acting(), pytest.raises(KilledError):
            self.tick(at=at)
        self.before_create(lambda _: None)
        self.cloud.faults.clear()

    def run_started(self) -> list[str]:
        """Run the invocations that FC accepted for its functions; returns their names."""
        waiting = self.cloud.fc(REGION).region.queue
        done = []
        for invocation in waiting.take_due(self.clock.now()):
            (name,) = [name for name, one in self.functions.items() if one is invocation.function]
            with self.acting():
                run = {"snapshot_on_schedule": self.schedule, "snapshot_on_event": self.event}
                run[name](invocation.event)
            done.append(invocation.function.name)
        return done


@pytest.fixture(params=["2.0", "3.0"])
def both(
    world: World, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[Deployment, Deployment]:
    """Both are deployed, with a disk each."""
    one, other = (
        Deployment(
            cloud=world.cloud,
            clock=world.clock,
            policies_path=tmp_path / f"{name}.json",
            name=name,
            api=request.param,
        )
        for name in DISKS
    )
    for deployment in (one, other):
        deployment.deploy()
        deployment.own_disk()
    return one, other


def of(world: World, kind: str) -> list[str]:
    """Whose records of a kind there are."""
    return [one["deployment"] for one in world.recorded(kind)]


def test_each_starts_its_own_killed_runs_again(both: tuple[Deployment, Deployment]) -> None:
    """L1, R4: neither marks the other's open runs, nor starts them."""
    for deployment in both:
        deployment.kill()
    both[0].clock.advance(15 * MINUTE_S)

    for deployment in both:
        assert len(deployment.reconcile()["resumed"]) == 1
        (name,) = deployment.run_started()
        assert name == deployment.functions["snapshot_on_schedule"].name

    assert of(both[0], "run_resumed") == ["main", "main-2"]
    assert both[0].recorded("resume_failed") == []
    assert len(both[0].ecs.snapshots) == 2
    both[0].clock.advance(15 * MINUTE_S)
    assert [one.reconcile()["resumed"] for one in both] == [[], []]


def test_each_catches_up_its_own_missed_tick(both: tuple[Deployment, Deployment]) -> None:
    """L18: their timers have one name, and the other's passes and ticks are no passes and ticks."""
    one, other = both
    one.clock.advance(13.5 * HOUR_S)
    assert [it.reconcile()["caught_up"] for it in both] == [[], []]
    one.clock.advance(0.5 * HOUR_S)
    with one.acting():
        one.tick(at=NIGHT)
    one.clock.advance(10 * MINUTE_S)

    assert one.reconcile()["caught_up"] == []
    assert other.reconcile()["caught_up"] == [f"timer/nightly/{NIGHT}"]
    assert other.run_started() == [other.functions["snapshot_on_schedule"].name]

    assert of(one, "catch_up_started") == ["main-2"]
    assert len(one.ecs.snapshots) == 2
    one.clock.advance(10 * MINUTE_S)
    assert [it.reconcile()["caught_up"] for it in both] == [[], []]


def test_a_pass_of_one_does_not_cover_the_others_timers(
    both: tuple[Deployment, Deployment],
) -> None:
    """L18: the other's later pass must not hide what this one has not judged."""
    one, other = both
    one.clock.advance(13.5 * HOUR_S)
    one.reconcile()
    one.clock.advance(40 * MINUTE_S)
    other.reconcile()

    assert one.reconcile()["caught_up"] == [f"timer/nightly/{NIGHT}"]


@pytest.mark.parametrize("kind", ["rejected", "paused", "disabled"])
def test_what_stopped_the_others_tick_did_not_stop_this_ones(
    both: tuple[Deployment, Deployment], kind: str
) -> None:
    """L18: a record without a run belongs to its deployment too, also with invalid policies."""
    one, other = both
    one.clock.advance(13.5 * HOUR_S)
    one.reconcile()
    one.clock.advance(0.5 * HOUR_S)
    paused = {"SNAPSHOTS_PAUSED": "1" if kind == "paused" else None}
    with other.acting(), environment(**paused):
        if kind == "disabled":
            other.policies(policy(enabled=False))
        if kind == "rejected":
            other.policies_path.write_text('{"deployment": "main-2", "policies": [')
        with suppress(InvalidPolicyError):
            other.tick(at=NIGHT)
    assert of(one, kind) == ["main-2"]
    one.clock.advance(10 * MINUTE_S)

    assert one.reconcile()["caught_up"] == [f"timer/nightly/{NIGHT}"]


def test_a_record_without_a_deployment_is_ignored(both: tuple[Deployment, Deployment]) -> None:
    """After an upgrade from a version that wrote none, the first pass is the first of all."""
    one, _ = both
    one.clock.advance(13.5 * HOUR_S)
    one.reconcile()
    one.kill(at=one.minute)
    old = [{**record} for record in one.records]
    for record in old:
        del record["deployment"]
    assert {record["record"] for record in old} == {"reconciled", "part_started"}
    one.cloud.sls.create_logstore(PROJECT, "old")
    one.cloud.sls.write(PROJECT, "old", topic="", logs=old)
    one.clock.advance(HOUR_S)

    answer = replace(one, log_store="old").reconcile()

    assert (answer["resumed"], answer["caught_up"]) == ([], [])


def test_a_deployment_that_only_the_yaml_parser_finds_is_in_every_record(world: World) -> None:
    """R4: what is read before the policies are may leave a doubt; they leave none."""
    text = "{policies: [{name: p, on: {timer: t}, select: {tags: {deployment: x}}}], deployment: d}"
    world.policies_path = world.policies_path.with_suffix(".yaml")
    world.policies_path.write_text(text)

    with environment(POLICIES_FILE=str(world.policies_path)), pytest.raises(InvalidEventError):
        world.tick("unused")

    assert of(world, "rejected") == ["d"]


def test_a_record_can_name_no_function_to_start(both: tuple[Deployment, Deployment]) -> None:
    """R4: names come from the settings; who can write records cannot have others started."""
    one, other = both
    one.kill()
    (started,) = one.recorded("part_started")
    theirs = other.functions["snapshot_on_schedule"]
    named = {"fc_function": theirs.name, "fc_service": theirs.service_name or ""}
    later = {**started, **named, "at": started["at"].replace("Z", ".5Z")}
    one.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[later])
    one.clock.advance(15 * MINUTE_S)

    one.reconcile()

    assert one.run_started() == [one.functions["snapshot_on_schedule"].name]


@pytest.mark.parametrize("api", ["2.0", "3.0"])
def test_names_that_cannot_be_are_rejected_at_once(world: World, api: str) -> None:
    """All of them, with the form that the API has."""
    wrong = "no-service" if api == "2.0" else "a/service"
    settings = dict.fromkeys(SETTINGS.values(), wrong)

    with environment(FC_API=api, **settings), pytest.raises(InvalidSettingsError) as caught:
        world.resume()

    assert {one.path for one in caught.value.problems} == set(SETTINGS.values())
    assert world.records == []


def test_every_record_carries_deployment_and_version(both: tuple[Deployment, Deployment]) -> None:
    """Whatever its kind: of runs, passes, rejections, and what has no policies to read."""
    one, other = both
    for deployment in both:
        deployment.kill()
        deployment.clock.advance(15 * MINUTE_S)
        deployment.reconcile()
        deployment.run_started()
        with deployment.acting():
            with pytest.raises(InvalidEventError):
                deployment.tick("unused")
            deployment.clock.advance(MINUTE_S)
            deployment.complete(deployment.completions()[-1])
    other.policies_path.write_text('{"deployment": "main-2", "policies": [')
    with other.acting(), pytest.raises(InvalidPolicyError):
        other.tick()
    records = one.records

    assert {record["deployment"] for record in records} == {"main", "main-2"}
    assert {record["version"] for record in records} == {identity_of(one.policies_path).version}
    kinds = {"part_started", "disk", "part_finished", "run_resumed", "reconciled", "rejected"}
    assert {record["record"] for record in records} == kinds
