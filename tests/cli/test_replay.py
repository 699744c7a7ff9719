"""`ecsnap failures --replay`: events are sent again, and no message is lost."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import emulator
from cli.console import Output, new_console
from cli.failures.command import Question, replay
from cli.failures.replay import MAX_SENT, SPARE_S
from tests.cli.failures_world import Failures, failures_world
from tests.cli.inventory_world import READER, policies_of, use_policy, write
from tests.cli.reduced import actions_of, without
from tests.component.world import REGION, policy

OPERATOR = Path("docs/operator-policy.json")
WAIT_S = 120


@pytest.fixture
def failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Failures]:
    with failures_world(tmp_path, monkeypatch) as made:
        yield made


def statuses(outcomes: list[dict[str, Any]]) -> list[str]:
    return [one["outcome"] for one in outcomes]


# --- what starts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["2.0", "3.0"])
def test_an_event_that_was_recorded_nowhere_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    """Byte for byte the same event; its message is deleted when the run has a record."""
    with failures_world(tmp_path, monkeypatch, api=api) as failures:
        disk = failures.world.disk()
        payload = failures.unreached(failures.fired())
        (found,) = failures.outcomes(fun=api == "2.0")

        assert (found["outcome"], found["deleted"], found["reason"]) == ("started", True, "")
        assert failures.invocations[-1].event.decode() == payload
        assert failures.invocations[-1].request_id == found["replay_request_id"]
        assert failures.messages == []
        assert len(failures.world.snapshots_of(disk)) == 1
        started = failures.world.recorded("part_started")
        assert [one["request_id"] for one in started] == [found["replay_request_id"]]


def test_an_event_whose_disk_failed_runs_again_for_that_disk_alone(failures: Failures) -> None:
    """The run's identity is the event's, so what was taken is not taken again."""
    good, bad = failures.world.disks(2)
    full = emulator.Fault(
        kind="error",
        action="CreateSnapshot",
        code="QuotaExceed.Snapshot",
        status=403,
        times=None,
        matches=lambda params: params["DiskId"] == bad,
    )
    failures.world.cloud.faults.add(full)
    event = failures.fired()
    failures.submit(json.dumps(event).encode())
    (message,) = failures.payloads
    failures.world.cloud.faults.clear()
    (found,) = failures.outcomes()

    # The message is of the run's second part, which reports that the first one failed.
    assert set(json.loads(message)) == {"continuation", "event"}
    assert json.loads(found["replay_event"]) == event
    assert found["outcome"] == "started"
    assert [len(failures.world.snapshots_of(disk)) for disk in (good, bad)] == [1, 1]
    assert failures.messages == []


def test_every_function_can_be_sent_its_event_again(failures: Failures) -> None:
    """Also one whose success leaves no record: the completion of somebody else's snapshot."""
    world = failures.world
    disk = world.disk(tags={})
    world.ecs.add_snapshot(disk, status="progressing")
    world.clock.advance(3600)
    (foreign,) = world.completions()
    failures.unreached(foreign, of="record_completion")
    failures.unreached(world.stopped(world.ecs.add_instance().instance_id), of="snapshot_on_event")
    timer = {"triggerName": "reconcile", "triggerTime": world.minute, "payload": ""}
    failures.unreached(timer, of="resume_runs")
    before = {message.message_id for message in failures.messages}
    found = failures.outcomes()

    assert {one["function"] for one in found} == {
        "record_completion",
        "snapshot_on_event",
        "resume_runs",
    }
    assert statuses(found) == ["started"] * 3
    assert not before & {message.message_id for message in failures.messages}


def test_the_same_event_twice_in_the_queue_is_sent_once(failures: Failures) -> None:
    """Both messages are deleted with the one run."""
    disk = failures.world.disk()
    event = failures.fired()
    failures.unreached(event)
    failures.unreached(event)
    found = failures.outcomes()

    assert statuses(found) == ["started"] * 2
    assert len({one["replay_request_id"] for one in found}) == 1
    assert (failures.messages, len(failures.world.snapshots_of(disk))) == ([], 1)


def test_only_what_is_asked_for_is_sent(failures: Failures) -> None:
    """By function or by id; the others can be received at once."""
    failures.world.disk()
    payload = failures.unreached(failures.world.stopped("i-1"), of="snapshot_on_event")
    failures.unreached(failures.fired(hours_ago=1))
    last = failures.unreached(failures.fired())
    id_ = failures.invocations[1].request_id

    assert [one["id"] for one in failures.outcomes(ids=[id_[:12]])] == [id_]
    assert failures.payloads == [payload, last]
    found = failures.outcomes(function="snapshot_on_schedule")
    assert statuses(found) == ["started"]
    failures.world.clock.advance(1)
    visible = failures.queue.peek(16, now=now(failures))
    assert [json.loads(one.body)["requestPayload"] for one in visible] == [payload]


def now(failures: Failures) -> Any:
    return failures.clock.now()


def test_more_than_one_command_sends_are_left_and_said(failures: Failures) -> None:
    """At most as many messages as one command holds at once."""
    failures.unreached(failures.fired())
    for _ in range(MAX_SENT):
        failures.put(failures.messages[0].body)
    failures.world.disk()
    done, result, messages = failures.replay()
    found = json.loads(result)

    assert done
    assert (len(found["failures"]), found["more"], len(failures.messages)) == (MAX_SENT, True, 1)
    assert "run it again" in messages


# --- what does not -------------------------------------------------------------------------------


def test_a_new_failure_is_a_new_message(failures: Failures) -> None:
    """The run has started, so the message goes; FC adds another one, and nothing loops."""
    failures.world.disk()
    failures.world.fault("error", code="QuotaExceed.Snapshot", status=403, times=None)
    event = json.loads(failures.unreached(failures.fired()))
    (old,) = failures.messages

    assert statuses(failures.outcomes()) == ["started"]
    failures.world.cloud.run_until(now(failures) + timedelta(minutes=1))
    (new,) = failures.messages
    started = len(failures.invocations)
    failures.world.cloud.run_until(now(failures) + timedelta(hours=1))
    (shown,) = json.loads(failures.show()[1])["failures"]

    assert new.message_id != old.message_id
    assert json.loads(shown["replay_event"]) == event
    assert (len(failures.messages), len(failures.invocations)) == (1, started)


def test_an_event_that_is_too_old_is_not_sent_and_not_deleted(failures: Failures) -> None:
    """The function would reject it; a direct request is what is left."""
    failures.unreached(failures.fired(hours_ago=26))
    (found,) = failures.outcomes()

    assert (found["outcome"], found["deleted"]) == ("not_sent", False)
    assert "the function would reject it: triggerTime" in found["reason"]
    assert "`ecsnap request --policy nightly` takes its snapshots" in found["reason"]
    assert len(failures.messages) == len(failures.invocations) == 1


def test_what_is_proposed_for_an_event_of_its_resource_is_not_refused(failures: Failures) -> None:
    """Such a policy runs on events only: a request names what the event named."""
    failures.world.clock.advance(-26 * 3600)
    event = failures.world.stopped("i-1")
    failures.world.clock.advance(26 * 3600)
    failures.unreached(event, of="snapshot_on_event")
    (found,) = failures.outcomes()

    assert "`ecsnap request` with `--instance` or `--disk`" in found["reason"]
    assert "--policy stopped" not in found["reason"]


def test_an_event_whose_policy_is_disabled_is_not_sent(failures: Failures) -> None:
    """It would do nothing, and the message is the only trace of it."""
    failures.unreached(failures.fired())
    write(failures.world, policy(enabled=False), deployment="main")
    (found,) = failures.outcomes()

    assert found["outcome"] == "not_sent"
    assert "disabled" in found["reason"]
    assert len(failures.messages) == 1


@pytest.mark.parametrize("kind", ["rejected", "paused"])
def test_what_the_function_did_nothing_with_stays(
    failures: Failures, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The deployed policies are others than those here, or the functions are paused."""
    failures.unreached(failures.fired())
    (message,) = failures.messages
    if kind == "paused":
        monkeypatch.setenv("SNAPSHOTS_PAUSED", "true")
    else:
        failures.world.policies(policy(on={"timer": "weekly"}), deployment="main")
    done, result, _ = failures.replay()
    (found,) = json.loads(result)["failures"]

    assert not done
    assert (found["outcome"], found["deleted"]) == ("rejected", False)
    assert found["reason"].startswith(f"{kind}: ")
    assert message in failures.messages


@pytest.mark.parametrize(
    "body",
    [
        "damaged",
        '{"requestContext": {"functionArn": "acs:fc:r:1:functions/o"}, "requestPayload":""}',
    ],
)
def test_what_is_damaged_or_not_ours_is_named_and_stays(failures: Failures, body: str) -> None:
    """And the command fails, so that somebody looks."""
    failures.put(body)
    failures.unreached(failures.fired())
    failures.world.disk()
    done, result, _ = failures.replay()

    assert not done
    assert statuses(json.loads(result)["failures"]) == ["not_sent", "started"]
    assert [one.body for one in failures.messages] == [body]


def test_a_function_that_fc_does_not_reach_leaves_the_message(failures: Failures) -> None:
    """No record in the time that the command waits: it may start later."""
    payload = failures.unreached(failures.fired())
    slow = emulator.Fault(kind="error", service="fc", action="Run", status=503, times=None)
    failures.world.cloud.faults.add(slow)
    before = failures.clock.monotonic()
    (found,) = failures.outcomes()
    waited_s = failures.clock.monotonic() - before

    assert (found["outcome"], found["deleted"]) == ("not_started", False)
    assert "no record of it yet" in found["reason"]
    assert WAIT_S <= waited_s < WAIT_S + 10
    assert failures.payloads == [payload]
    failures.world.clock.advance(1)
    assert failures.queue.peek(1, now=now(failures))


def test_a_function_that_cannot_be_invoked_is_said(failures: Failures) -> None:
    """With FC's own code; the next event is tried too."""
    failures.unreached(failures.fired())
    failures.unreached(failures.fired(hours_ago=1))
    denied = emulator.Fault(
        kind="error", service="fc", action="InvokeFunction", status=403, code="AccessDenied"
    )
    failures.world.cloud.faults.add(denied)
    failures.world.disk()
    found = failures.outcomes()

    assert sorted(statuses(found)) == ["not_sent", "started"]
    assert "AccessDenied" in next(one["reason"] for one in found if one["outcome"] == "not_sent")
    assert len(failures.messages) == 1


def test_without_the_records_nothing_is_sent(failures: Failures) -> None:
    """Else no message could ever be deleted."""
    failures.unreached(failures.fired())
    broken = emulator.Fault(
        kind="error", service="sls", action="GetLogs", status=401, code="Unauthorized", times=None
    )
    failures.world.cloud.faults.add(broken)
    done, result, messages = failures.replay()

    assert (done, result) == (False, "")
    assert "Unauthorized" in messages
    assert "nothing was sent" in messages
    assert [one.dequeue_count for one in failures.messages] == [0]


def test_a_queue_that_fails_while_it_is_read_loses_nothing(failures: Failures) -> None:
    """Nothing is sent, and what was held already is free again."""
    failures.unreached(failures.fired())
    failures.unreached(failures.fired(hours_ago=1))
    broken = emulator.Fault(
        kind="error",
        service="smq",
        action="ReceiveMessage",
        status=403,
        code="AccessDenied",
        skip=1,
    )
    failures.world.cloud.faults.add(broken)
    done, result, messages = failures.replay()
    failures.world.clock.advance(1)

    assert (done, result) == (False, "")
    assert "mns:ReceiveMessage" in messages
    assert "nothing was sent" in messages
    assert len(failures.invocations) == 2
    assert len(failures.queue.peek(16, now=now(failures))) == 2


def test_records_that_fail_later_leave_the_message(failures: Failures) -> None:
    """It is sent, and whether it started is not known."""
    failures.unreached(failures.fired())
    broken = emulator.Fault(
        kind="error", service="sls", action="GetLogs", status=401, skip=1, times=None
    )
    failures.world.cloud.faults.add(broken)
    (found,) = failures.outcomes()

    assert found["outcome"] == "not_started"
    assert "its records cannot be read" in found["reason"]
    assert len(failures.messages) == 1


# --- killed, twice at once -----------------------------------------------------------------------


class _KilledError(BaseException):
    """The process is gone: no handler catches this."""


def test_a_process_that_is_killed_loses_no_message(failures: Failures) -> None:
    """Between sending and deleting: the message is back when its time is over, not before."""
    disk = failures.world.disk()
    payload = failures.unreached(failures.fired())
    # Of what a process does while it dies, nothing reaches the service.
    gone = emulator.Fault(
        kind="drop", service="smq", matches=lambda p: p.get("VisibilityTimeout") == "1", times=None
    )
    failures.world.cloud.faults.add(gone)

    def die() -> None:
        raise _KilledError

    failures.clock.before_sleep = die
    with pytest.raises(_KilledError):
        failures.replay()
    failures.clock.before_sleep = lambda: None
    failures.world.cloud.faults.clear()

    assert failures.payloads == [payload]
    assert failures.outcomes() == []
    failures.world.cloud.run_until(now(failures) + timedelta(seconds=WAIT_S + SPARE_S))
    assert statuses(failures.outcomes()) == ["started"]
    assert failures.messages == []
    assert len(failures.world.snapshots_of(disk)) == 1
    assert len({one.task_id for one in failures.invocations}) == len(failures.invocations)


def test_a_person_who_stops_it_frees_the_messages_at_once(failures: Failures) -> None:
    """Ctrl-C: what was held can be received a second later, and what was sent is shown."""
    failures.unreached(failures.fired())
    out = io.StringIO()
    output = Output(console=new_console(out, width=80), messages=new_console(io.StringIO()))

    def stop() -> None:
        raise KeyboardInterrupt

    failures.clock.before_sleep = stop
    question = Question(policies=policies_of(failures.world), clock=failures.clock)
    with pytest.raises(KeyboardInterrupt):
        replay(question, output)
    failures.world.clock.advance(1)

    assert len(failures.queue.peek(16, now=now(failures))) == 1
    assert "not started" in out.getvalue()
    assert "0 started and deleted from the queue, 1 left in it" in out.getvalue()


@pytest.mark.parametrize("same", [True, False], ids=["the same event", "two events"])
def test_two_replays_at_once_lose_nothing_and_take_nothing_twice(
    failures: Failures, *, same: bool
) -> None:
    """What one holds, the other does not receive; of the same event there is one run."""
    disks = [failures.world.disk(), failures.world.disk()]
    for number, disk in enumerate(disks):
        key = 0 if same else number
        failures.unreached({"key": f"k-{key}", "disk_ids": [disks[0] if same else disk]})
    later = failures.messages.pop().body
    other: list[list[dict[str, Any]]] = []

    def meanwhile() -> None:
        failures.clock.before_sleep = lambda: None
        failures.put(later)
        other.append(failures.outcomes())

    failures.clock.before_sleep = meanwhile
    found = failures.outcomes()

    assert statuses(found) == statuses(other[0]) == ["started"]
    assert found[0]["id"] != other[0][0]["id"]
    assert failures.messages == []
    taken = [len(failures.world.snapshots_of(disk)) for disk in disks]
    assert taken == ([1, 0] if same else [1, 1])


def test_a_replay_whose_time_was_over_deletes_nothing_of_another(failures: Failures) -> None:
    """Its receipt is no longer good: the one who received the message since decides."""
    disk = failures.world.disk()
    failures.unreached(failures.fired())

    def receive() -> None:
        failures.clock.before_sleep = lambda: None
        failures.messages[0].visible_at = now(failures)
        failures.queue.receive(1, now=now(failures))

    failures.clock.before_sleep = receive
    (found,) = failures.outcomes()

    assert (found["outcome"], found["deleted"]) == ("started", False)
    assert "takes no second snapshot" in found["reason"]
    assert len(failures.messages) == 1
    assert len(failures.world.snapshots_of(disk)) == 1


def test_an_answer_of_fc_that_is_lost_starts_nothing_twice(failures: Failures) -> None:
    """The call is made again under the same id, and FC has it; the message stays."""
    disk = failures.world.disk()
    failures.unreached(failures.fired())
    lost = emulator.Fault(kind="drop", service="fc", action="InvokeFunction", after_effect=True)
    failures.world.cloud.faults.add(lost)
    (found,) = failures.outcomes()

    assert found["outcome"] == "not_started"
    assert "FC has it" in found["reason"]
    failures.world.cloud.run_until(now(failures) + timedelta(minutes=1))
    assert len(failures.world.snapshots_of(disk)) == 1
    assert statuses(failures.outcomes()) == ["started"]
    assert len(failures.world.snapshots_of(disk)) == 1


def test_a_deletion_that_fails_is_said(failures: Failures) -> None:
    """The run has started, and the message comes again."""
    failures.world.disk()
    failures.unreached(failures.fired())
    broken = emulator.Fault(
        kind="error", service="smq", action="DeleteMessage", status=403, code="AccessDenied"
    )
    failures.world.cloud.faults.add(broken)
    (found,) = failures.outcomes()

    assert (found["outcome"], found["deleted"]) == ("started", False)
    assert "not deleted: mns:DeleteMessage" in found["reason"]
    assert len(failures.messages) == 1


# --- for people, and with what rights ------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_of_outcomes_fits(failures: Failures, width: int) -> None:
    """The last line counts."""
    failures.world.disk()
    failures.unreached(failures.fired(hours_ago=30))
    failures.unreached(failures.fired())
    done, table, _ = failures.replay(as_json=False, width=width)
    lines = table.splitlines()

    assert not done
    assert max(map(len, lines)) <= width
    assert "not sent" in table
    assert lines[-1] == "1 started and deleted from the queue, 1 left in it"


def test_an_empty_queue_is_no_error(failures: Failures) -> None:
    """There is nothing to send."""
    assert failures.replay(as_json=False)[:2] == (
        True,
        "0 started and deleted from the queue, 0 left in it\n",
    )


@pytest.mark.parametrize("missing", ["", *actions_of(OPERATOR), "log:GetLogStoreLogs"])
def test_both_policies_are_enough_and_needed(
    failures: Failures, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """With one action less the message, or the outcome, names it, and no message is lost."""
    failures.world.disk()
    payload = failures.unreached(failures.fired())
    both = without(OPERATOR, missing)
    both["Statement"] += without(READER, missing)["Statement"]
    use_policy(failures.world, monkeypatch, both)
    done, result, messages = failures.replay()

    assert done is not bool(missing) or missing == "mns:DeleteMessage"
    assert missing in result + messages
    assert failures.payloads == ([payload] if missing else [])
    assert not failures.world.cloud.fc(REGION).region.invocations[1:] or missing in (
        "",
        "mns:DeleteMessage",
    )
