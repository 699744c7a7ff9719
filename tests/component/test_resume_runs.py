"""Runs that began and did not end are started again, and end as if nothing had been."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import (
    InvalidEventError,
    InvalidPolicyError,
    InvalidSettingsError,
    ReconcileError,
    RunFailedError,
)
from shared.identity import RunKey
from shared.recovery.unfinished_runs import MAX_EVENT_CHARS
from shared.runtime.clock import utc
from tests.component.parts import Api, Parts
from tests.component.recovery import HOUR_S, MINUTE_S, NOON, deployed, kill, lose_what_waits
from tests.component.world import (
    LOGSTORE,
    PROJECT,
    REGION,
    STOPPED,
    World,
    environment,
    policy,
)


@pytest.fixture
def parts(world: World) -> Iterator[Parts]:
    """The functions are deployed on FC 3.0, with a timer that fires every night at two."""
    with deployed(world) as parts:
        yield parts


def ends_well(world: World, disks: list[str]) -> None:
    """Every disk has one snapshot, every outcome is good, and nothing is left open."""
    assert {len(world.snapshots_of(disk)) for disk in disks} == {1}
    assert {one["status"] for one in world.outcomes.values()} <= {"created", "already_exists"}
    assert set(world.outcomes) == set(disks)
    assert world.recorded("part_finished")[-1]["status"] == "ok"
    world.clock.advance(2 * HOUR_S)
    assert world.resume()["resumed"] == []


# --- runs that were killed -----------------------------------------------------------------------


@pytest.mark.parametrize("api", ["2.0", "3.0"])
@pytest.mark.parametrize("after", [0, 2, 4])
def test_a_run_that_was_killed_ends_as_if_it_had_not_been(
    world: World, api: Api, after: int
) -> None:
    """D1, D8: the same run begins again, makes what is missing, and nothing a second time."""
    with deployed(world, api) as parts:
        disks = world.disks(5)
        kill(world, after=after)

        world.clock.advance(15 * MINUTE_S)
        answer = world.resume()
        parts.run_all()

        run_ids = {one["run_id"] for one in world.recorded("part_started")}
        assert answer["resumed"] == list(run_ids)
        (resumed,) = world.recorded("run_resumed")
        assert (resumed["run_id"], resumed["reason"]) == (*run_ids, "it did not end")
        ends_well(world, disks)


@pytest.mark.parametrize("by_request", [False, True])
def test_a_dry_run_that_was_killed_is_left_alone(
    world: World, parts: Parts, *, by_request: bool
) -> None:
    """It took nothing; started again, it would take snapshots if its policy is real by now."""
    world.disks(2)
    world.policies(policy(dry_run=not by_request))
    world.fault("error", service="sls", action="PutLogs", status=403, skip=1, times=None)
    world.schedule({"key": "k", "policy": "nightly", "dry_run": True})
    world.cloud.faults.clear()
    assert [one["record"] for one in world.records] == ["part_started"]
    world.policies()

    for _ in range(3):
        world.clock.advance(15 * MINUTE_S)
        assert world.resume()["waiting"] == 0

    assert parts.all == []
    assert world.creates() == []


def test_a_real_run_is_not_resumed_as_a_dry_one(world: World, parts: Parts) -> None:
    """Its run would stay open: a dry run ends none. What it lacks waits for the policy."""
    world.disks(2)
    kill(world, after=1)
    world.policies(policy(dry_run=True))

    for _ in range(2):
        world.clock.advance(15 * MINUTE_S)
        assert world.resume()["resumed"] == []

    [record] = world.recorded("resume_failed")
    assert (record["code"], record["status"]) == ("DryRun", "skipped")
    assert parts.all == []


def test_a_run_of_an_event_that_was_killed_does_too(world: World, parts: Parts) -> None:
    """D8: the event is taken from the record, as FC has given it up by then."""
    world.policies(STOPPED)
    instance = world.ecs.add_instance(status="Stopped").instance_id
    disk = world.disk(instance_id=instance)
    # Every snapshot is created, and the records of that are lost.
    world.fault("error", service="sls", action="PutLogs", status=403, skip=1, times=None)
    world.event(world.stopped(instance))
    world.cloud.faults.clear()

    world.clock.advance(15 * MINUTE_S)
    world.resume()
    parts.run_all()

    assert [one.function.name for one in parts.all] == ["snapshot_on_event"]
    ends_well(world, [disk])


def test_a_part_that_never_began_is_found_too(world: World, parts: Parts) -> None:
    """L11: that FC took it is no proof that it ran."""
    world.policies(limits={"max_calls_per_minute": 60, "max_in_flight": 2})
    world.timeout_s = 60
    disks = world.disks(60)
    assert world.tick()["status"] == "continued"
    assert lose_what_waits(parts) == 1

    world.clock.advance(15 * MINUTE_S)
    world.resume()
    parts.run_all()

    (resumed,) = world.recorded("run_resumed")
    assert resumed["reason"] == "its next part did not start"
    ends_well(world, disks)


def test_an_event_that_fc_gave_up_while_ecs_was_down_is_not_given_up_here(
    world: World, parts: Parts
) -> None:
    """L13: a run that could not begin for a reason that passes has not ended."""
    disks = world.disks(3)
    world.fault(
        "error", action="DescribeSnapshots", code="ServiceUnavailable", status=503, times=30
    )
    with environment(FC_API=None), pytest.raises(RunFailedError):
        world.tick()
    world.cloud.faults.clear()

    world.clock.advance(15 * MINUTE_S)
    world.resume()
    parts.run_all()

    ends_well(world, disks)


def test_what_sls_did_not_take_is_found_in_the_functions_log(
    world: World, parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run whose start is only on stdout, which FC keeps in the same Logstore, began too."""
    disks = world.disks(3)
    world.fault("error", service="sls", action="PutLogs", status=403, times=None)
    kill(world, after=1)
    printed = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["record"] for line in printed][:2] == [
        "sls_write_failed",
        "part_started",
    ]
    log = [{"functionName": "snapshot_on_schedule", "message": line} for line in printed[:2]]
    world.cloud.sls.write(PROJECT, LOGSTORE, topic="FCLogs", logs=log)

    world.clock.advance(15 * MINUTE_S)
    world.resume()
    parts.run_all()

    ends_well(world, disks)


# --- runs that are left alone --------------------------------------------------------------------


def test_a_run_that_may_be_at_work_is_left_alone(world: World, parts: Parts) -> None:
    """Starting it a second time would do no harm, and cost its calls again."""
    world.timeout_s = 7200
    world.disks(5)
    kill(world, after=2)

    world.clock.advance(9 * MINUTE_S)

    assert world.resume()["waiting"] == 1
    assert parts.all == []


def test_any_record_of_the_run_is_a_sign_of_life(world: World, parts: Parts) -> None:
    """A run that makes snapshots is at work, however long ago it began."""
    world.timeout_s = 7200
    (disk,) = world.disks(1)
    kill(world)
    (started,) = world.recorded("part_started")
    world.clock.advance(30 * MINUTE_S)
    about = {key: started[key] for key in ("deployment", "run_id")}
    sign = {**about, "record": "disk", "disk_id": disk, "at": world.minute}
    world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[sign])

    assert world.resume()["waiting"] == 1
    world.clock.advance(11 * MINUTE_S)
    assert world.resume()["resumed"] == [started["run_id"]]
    assert len(parts.all) == 1


def test_a_run_is_dead_soon_after_its_last_possible_moment(world: World, parts: Parts) -> None:
    """Its record contains when FC ends it at the latest: after that it is not waited for."""
    world.timeout_s = 60
    world.disks(3)
    kill(world)

    world.clock.advance(4 * MINUTE_S)

    assert len(world.resume()["resumed"]) == 1
    assert len(parts.all) == 1


def test_runs_that_ended_are_left_alone_however_they_ended(world: World, parts: Parts) -> None:
    """A failure is on record, and its alarm has been raised: that is not for us to repeat."""
    _good, bad = world.disks(2)
    world.ecs.disks[bad].in_arrears = True
    world.tick()
    parts.run_all()
    assert [type(one) for one in parts.raised] == [RunFailedError]
    world.ecs.disks[bad].in_arrears = False
    world.tick("nightly", at="2026-03-01T11:00:00Z")

    world.clock.advance(5 * HOUR_S)

    assert world.resume() == {
        "status": "ok",
        "runs": [],
        "dry_run": False,
        "resumed": [],
        "caught_up": [],
        "waiting": 0,
    }
    assert len(parts.all) == 1


def test_one_that_dies_each_time_is_given_twice_as_long_each_time(
    world: World, parts: Parts
) -> None:
    """T10: what kills every run is not run every ten minutes for a day."""
    world.disks(3)
    kill(world)
    for _ in range(24 * 6):
        world.clock.advance(10 * MINUTE_S)
        world.resume()
        lose_what_waits(parts)

    assert 5 <= len(world.recorded("run_resumed")) <= 8


# --- runs that cannot be restarted ---------------------------------------------------------------


def grown_too_old(world: World) -> None:
    world.clock.advance(25.5 * HOUR_S)


def edited(world: World) -> None:
    world.policies(policy(name="another"))
    world.clock.advance(15 * MINUTE_S)


def at_a_function_of_others(world: World) -> None:
    (started,) = world.recorded("part_started")
    strange = {**started, "run_id": "0" * 32, "function": "theirs"}
    world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[strange])
    world.tick(at=NOON)
    world.clock.advance(15 * MINUTE_S)


def made_up(world: World) -> None:
    (started,) = world.recorded("part_started")
    strange = {**started, "run_id": "0" * 32, "region": "cn-shanghai"}
    world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[strange])
    world.tick(at=NOON)
    world.clock.advance(15 * MINUTE_S)


def cut(world: World) -> None:
    (started,) = world.recorded("part_started")
    strange = {**started, "run_id": "0" * 32, "event": started["event"][:20]}
    world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[strange])
    world.tick(at=NOON)
    world.clock.advance(15 * MINUTE_S)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (grown_too_old, "RunExpired"),
        (edited, "CannotRestart"),
        (at_a_function_of_others, "UnknownFunction"),
        (made_up, "CannotRestart"),
        (cut, "CannotRestart"),
    ],
)
def test_a_run_that_cannot_be_started_again_is_reported_once(
    world: World, parts: Parts, spoil: Any, code: str
) -> None:
    """L1: neither silence, nor an alarm at every pass; nothing that was made up is started."""
    world.disks(3)
    kill(world)
    spoil(world)

    with pytest.raises(ReconcileError, match=code):
        world.resume()
    if spoil is not edited:  # whose timer has no policy any more, as another test has it
        world.clock.advance(10 * MINUTE_S)
        assert world.resume()["resumed"] == []

    (failure,) = world.recorded("resume_failed")
    assert (failure["status"], failure["code"]) == ("failed", code)
    assert parts.all == []


def test_a_run_whose_policy_was_switched_off_is_no_failure(world: World, parts: Parts) -> None:
    """An operator decided that: a record, and no failure."""
    world.disks(3)
    kill(world)
    world.policies(policy(enabled=False))
    world.clock.advance(15 * MINUTE_S)

    assert world.resume()["resumed"] == []
    (failure,) = world.recorded("resume_failed")
    assert (failure["status"], failure["code"]) == ("skipped", "Disabled")
    assert parts.all == []


def test_an_event_that_fc_would_not_take_is_reported(world: World, parts: Parts) -> None:
    """What comes asynchronously has 128 KB at most, and the payload is a little more."""
    (disk,) = world.disks(1)
    kill(world)
    (started,) = world.recorded("part_started")
    event = json.dumps({**json.loads(started["event"]), "more": "x" * (128 * 1024 - 100)})
    world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[{**started, "event": event}])
    world.clock.advance(15 * MINUTE_S)

    with pytest.raises(ReconcileError, match="TooLarge"):
        world.resume()

    assert parts.all == []
    assert world.snapshots_of(disk) == []


def test_events_for_which_there_was_no_room_are_read_again(world: World, parts: Parts) -> None:
    """L5: after an outage of FC hundreds of large events may be open, in a function of 128 MB."""
    world.disks(1)
    kill(world)
    (started,) = world.recorded("part_started")
    number = MAX_EVENT_CHARS // 100_000 + 3
    for one in range(number):
        at = utc(world.clock.now() - timedelta(hours=2, minutes=one))
        event = {"triggerName": "nightly", "triggerTime": at, "more": "x" * 100_000}
        run_key = RunKey(
            deployment="test",
            policy="nightly",
            region=REGION,
            trigger_id=("timer", "nightly", at),
            trigger_time=world.clock.now(),
        )
        about = {"at": at, "trigger_time": at, "trigger_id": "/".join(run_key.trigger_id)}
        about |= {"run_id": run_key.run_id, "event": json.dumps(event), "ends_at": at}
        world.cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[{**started, **about}])

    world.clock.advance(15 * MINUTE_S)

    answer = world.resume()

    assert len(answer["resumed"]) == number + 1
    assert len(world.recorded("run_resumed")) == len(parts.all) == number + 1


# --- several passes, and several runs ------------------------------------------------------------


def test_two_passes_at_the_same_time_start_a_run_once(world: World, parts: Parts) -> None:
    """D4: both come to the same id, and FC takes it once."""
    disks = world.disks(3)
    kill(world, after=1)
    world.clock.advance(15 * MINUTE_S)
    both_have_read = threading.Barrier(2)
    start = world.cloud.fc().handle

    def after_both(request: Any) -> Any:
        if request.method == "POST":
            both_have_read.wait(timeout=10)
        return start(request)

    world.cloud.fc().handle = after_both  # type: ignore[method-assign] # one waits for the other
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(world.resume())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parts.run_all()

    assert [len(answer["resumed"]) for answer in answers] == [1, 1]
    assert len(parts.all) == 1
    ends_well(world, disks)


def test_what_cannot_be_started_now_costs_the_others_nothing(world: World, parts: Parts) -> None:
    """L4: the other runs are started, it is recorded, the pass fails, and the next one retries."""
    world.cloud.ecs_settings.snapshot_duration_s = 0  # else one run's would serve the others too
    disks = world.disks(2)
    for hour in (10, 11, 12):
        kill(world, at=f"2026-03-01T{hour}:00:00Z")
    world.clock.advance(15 * MINUTE_S)
    world.fault("error", service="fc", action="InvokeFunction", status=403, code="AccessDenied")

    with pytest.raises(ReconcileError, match="AccessDenied"):
        world.resume()
    assert len(parts.all) == 2
    assert [one["status"] for one in world.recorded("resume_failed")] == ["deferred"]
    assert world.recorded("reconciled")[-1]["status"] == "failed"

    parts.run_all()
    world.clock.advance(10 * MINUTE_S)
    assert len(world.resume()["resumed"]) == 1
    parts.run_all()
    assert {len(world.snapshots_of(disk)) for disk in disks} == {3}


def test_a_pass_that_ends_between_two_runs_costs_nothing(world: World, parts: Parts) -> None:
    """D8: what it had started is not started again, what it had not is."""
    world.disks(2)
    for hour in (10, 11, 12):
        kill(world, at=f"2026-03-01T{hour}:00:00Z")
    world.clock.advance(15 * MINUTE_S)
    world.timeout_s = 20
    handle = world.cloud.fc().handle

    def slowly(request: Any) -> Any:
        if request.method == "POST":
            world.clock.advance(16.0)  # no time is left after the first
        return handle(request)

    world.cloud.fc().handle = slowly  # type: ignore[method-assign] # a service that takes its time
    with pytest.raises(ReconcileError, match="time ran out"):
        world.resume()
    world.cloud.fc().handle = handle  # type: ignore[method-assign] # and is well again

    assert len(parts.all) == 1
    world.clock.advance(MINUTE_S)
    assert len(world.resume()["resumed"]) == 2
    assert len(parts.all) == 3


def test_more_runs_than_one_answer_of_sls_holds(world: World, parts: Parts) -> None:
    """D6: 100 records a page; the one that did not end may be on any of them."""
    disks = world.disks(1)
    kill(world)
    for number in range(120):
        world.schedule({"key": f"key-{number}", "disk_ids": disks, "dry_run": True})
    world.clock.advance(15 * MINUTE_S)

    assert len(world.resume()["resumed"]) == 1
    pages = [c for c in world.cloud.calls.all() if c.action == "GetLogs" and c.status == 200]
    assert len(pages) >= 4
    assert len(parts.all) == 1


# --- what a pass needs ---------------------------------------------------------------------------


def test_without_an_index_the_error_names_what_to_create(world: World, parts: Parts) -> None:
    """L1: a pass that can see nothing is no pass that found nothing."""
    world.cloud.sls.create_logstore(PROJECT, "bare", indexed=False)

    with (
        environment(SLS_LOGSTORE="bare"),
        pytest.raises(ReconcileError, match=r"IndexConfigNotExist.*create the Logstore's index"),
    ):
        world.resume()
    assert parts.all == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 403, "code": "Unauthorized"}, "Unauthorized.*log:GetLogStoreLogs"),
        ({"status": 404, "code": "LogStoreNotExist"}, "create the Logstore named in SLS_LOGSTORE"),
        ({"status": 500, "code": "InternalServerError"}, "InternalServerError"),
    ],
)
def test_records_that_cannot_be_read_are_not_taken_for_none(
    world: World, parts: Parts, fault: dict[str, Any], message: str
) -> None:
    """L1, L3: the error names what to fix; the next pass does the rest."""
    world.disks(1)
    kill(world)
    world.clock.advance(15 * MINUTE_S)
    world.fault("error", service="sls", action="GetLogs", times=4, **fault)

    with pytest.raises(ReconcileError, match=message):
        world.resume()
    assert parts.all == []
    world.cloud.faults.clear()
    assert len(world.resume()["resumed"]) == 1


@pytest.mark.parametrize("kind", ["drop", "html", "empty"])
def test_a_search_that_fails_once_is_tried_again(world: World, parts: Parts, kind: Any) -> None:
    """D3: a read that fails is no reason to do nothing for ten minutes."""
    world.disks(1)
    kill(world)
    world.clock.advance(15 * MINUTE_S)
    world.fault(kind, service="sls", action="GetLogs", times=2)

    assert len(world.resume()["resumed"]) == 1
    assert len(parts.all) == 1


def test_it_names_which_settings_it_lacks(world: World) -> None:
    """L2: nothing can be started without the one, nor found without the other."""
    world.log_project = world.log_store = None

    with pytest.raises(InvalidSettingsError) as caught:
        world.resume()

    assert "SNAPSHOTS_FC_API" in str(caught.value)
    assert "SLS_PROJECT" in str(caught.value)


@pytest.mark.parametrize(
    "event",
    [
        b"no JSON",
        [],
        "text",
        {"key": "k", "disk_ids": ["d-1"]},
        {"dry_run": "yes"},
        {"triggerName": "reconcile", "triggerTime": NOON, "payload": '{"policy": "nightly"}'},
    ],
)
def test_another_event_is_rejected(world: World, parts: Parts, event: Any) -> None:
    """The function has no options, so an event with other content is rejected, not ignored."""
    with pytest.raises(InvalidEventError):
        world.resume(event)

    (rejected,) = world.recorded("rejected")
    assert rejected["function"] == "resume_runs"
    assert parts.all == []


def test_policies_that_are_wrong_stop_it(world: World, parts: Parts) -> None:
    """L2: without the policies it is not known what may be started."""
    world.policies(policy(select={}))

    with pytest.raises(InvalidPolicyError):
        world.resume()

    assert [one["code"] for one in world.recorded("rejected")] == ["InvalidPolicyError"]
    assert parts.all == []


def test_the_emergency_stop_stops_it_too(world: World, parts: Parts) -> None:
    """Nothing is read, nothing is started, and that is on record."""
    world.disks(1)
    kill(world)
    world.clock.advance(15 * MINUTE_S)
    before = len(world.cloud.calls.all())

    with environment(SNAPSHOTS_PAUSED="1"):
        assert world.resume()["status"] == "paused"

    assert {call.action for call in world.cloud.calls.all()[before:]} == {"PutLogs"}
    assert world.records[-1]["record"] == "paused"
    assert parts.all == []


def test_a_dry_run_reports_what_would_be_started(world: World, parts: Parts) -> None:
    """Nothing is, and the pass does not count as one."""
    world.disks(1)
    kill(world)
    world.clock.advance(15 * MINUTE_S)

    answer = world.resume({"dry_run": True})

    assert (len(answer["resumed"]), answer["dry_run"]) == (1, True)
    assert parts.all == []
    assert world.recorded("run_resumed") == []
    assert [one["dry_run"] for one in world.recorded("reconciled")] == ["true"]
    assert len(world.resume()["resumed"]) == 1


def test_a_dry_run_answers_with_what_is_left_to_a_person(world: World, parts: Parts) -> None:
    """The records could be read, so the deployment works, which is what `smoke` checks."""
    world.policies(policy(on={"timer": "weekly"}))

    answer = world.resume({"dry_run": True})

    assert answer["status"] == "failed"
    assert "weekly" in answer["reason"]
    with pytest.raises(ReconcileError, match="weekly"):
        world.resume()
    assert parts.all == []


def test_a_dry_run_that_could_not_read_raises(world: World, parts: Parts) -> None:
    """What it would start is not known, and the deployment is not usable."""
    world.fault("error", service="sls", action="GetLogs", status=403, times=None)

    with pytest.raises(ReconcileError):
        world.resume({"dry_run": True})
    assert parts.all == []


SAMPLES = Path(__file__).parent.parent.parent / "events" / "resume_runs"


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.json")))
def test_the_samples(world: World, parts: Parts, name: str) -> None:
    """Its timer's event, a request for a dry run, and one with two mistakes."""
    event = (SAMPLES / name).read_bytes()

    if name == "with_mistakes.json":
        with pytest.raises(InvalidEventError, match="2 problems"):
            world.resume(event)
    else:
        assert world.resume(event)["dry_run"] == (name == "dry_run.json")
    assert parts.all == []


def test_half_an_answer_of_sls_is_never_taken_for_a_whole_one(world: World, parts: Parts) -> None:
    """D6: "Incomplete" is asked again, and if it stays so the pass fails."""
    world.disks(1)
    kill(world)
    world.clock.advance(15 * MINUTE_S)
    handle, left = world.cloud.sls.handle, [2]

    def incomplete(request: Any) -> Any:
        response = handle(request)
        if request.method != "GET" or not left[0]:
            return response
        left[0] -= 1
        headers = {**response.headers, "x-log-progress": "Incomplete"}
        return replace(response, body=b"[]", headers=headers)

    world.cloud.sls.handle = incomplete  # type: ignore[method-assign] # a service under load
    assert len(world.resume({"dry_run": True})["resumed"]) == 1
    left[0] = 9
    with pytest.raises(ReconcileError, match="incomplete"):
        world.resume()
    assert parts.all == []
