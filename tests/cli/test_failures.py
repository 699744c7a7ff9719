"""`ecsnap failures`: what is in the failure queue, and what each message means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from tests.cli.failures_world import Failures, failures_world
from tests.cli.inventory_world import READER, policies_of, use_policy
from tests.cli.reduced import without


@pytest.fixture(params=[False, True], ids=["text", "base64"])
def failures(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Failures]:
    """FC may send the text itself or Base64, which is not documented."""
    with failures_world(tmp_path, monkeypatch, encoded=request.param) as made:
        yield made


def shown(failures: Failures) -> list[dict[str, object]]:
    done, result, messages = failures.show()
    assert done, messages
    found: list[dict[str, object]] = json.loads(result)["failures"]
    return found


def test_what_fc_could_not_deliver_is_nowhere_else(failures: Failures) -> None:
    """With function, event, error, time, and what it asks for; no record has it."""
    failures.world.disk()
    event = failures.fired()
    payload = failures.unreached(event)
    (found,) = shown(failures)

    assert failures.world.records == []
    assert found["function"] == "snapshot_on_schedule"
    assert found["event"] == payload
    assert found["trigger_id"] == f"timer/nightly/{event['triggerTime']}"
    assert (found["policies"], found["attempts"], found["obstacle"]) == (["nightly"], 1, "")
    assert found["id"] == found["request_id"] == failures.invocations[0].request_id
    assert found["failed_at"] == "2026-03-01T12:00:00Z"


def test_what_a_function_failed_with_is_named_with_its_run(failures: Failures) -> None:
    """After all deliveries; the run's id is that of its records."""
    disk = failures.world.disk()
    failures.world.fault("error", code="QuotaExceed.Snapshot", status=403, times=None)
    failures.submit(json.dumps(failures.fired()).encode())
    (found,) = shown(failures)

    assert (found["error_type"], found["attempts"]) == ("RunFailedError", 4)
    assert disk in str(found["error"])
    assert found["run_ids"] == [failures.world.recorded("part_started")[0]["run_id"]]


def test_an_event_of_an_instance(failures: Failures) -> None:
    """By its type and what it is about."""
    instance = failures.world.ecs.add_instance().instance_id
    failures.unreached(failures.world.stopped(instance), of="snapshot_on_event")
    (found,) = shown(failures)
    _, table, _ = failures.show(as_json=False, width=150)

    assert found["policies"] == ["stopped"]
    assert f"ecs:Instance:StateChange {instance}" in table


def test_an_empty_queue_and_one_without_a_queue(failures: Failures) -> None:
    """The second is an error that names setup."""
    assert failures.show(as_json=False)[:2] == (True, "0 failures\n")
    failures.world.cloud.smq("cn-hangzhou").queues.clear()
    done, _, messages = failures.show()

    assert not done
    assert "QueueNotExist" in messages
    assert "ecsnap setup --apply" in messages


def test_listing_receives_nothing(failures: Failures) -> None:
    """Whoever receives at the same time gets every message."""
    failures.unreached(failures.fired())
    failures.show()

    assert [message.dequeue_count for message in failures.messages] == [0]
    assert failures.queue.receive(16, now=failures.clock.now())


def test_more_than_smq_shows_is_said(failures: Failures) -> None:
    """At most 16, those in front."""
    for number in range(17):
        failures.unreached({"key": f"k-{number}", "policy": "nightly"})
    done, result, messages = failures.show()
    found = json.loads(result)

    assert done
    assert (len(found["failures"]), found["more"]) == (16, True)
    assert "SMQ shows the first 16 messages only" in messages
    assert "k-16" not in result


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits(failures: Failures, width: int) -> None:
    """Each failure by the first characters of its id, as many as tell them apart."""
    failures.unreached(failures.fired())
    failures.unreached({"key": "ticket-4711", "disk_ids": ["d-1"]})
    _, table, _ = failures.show(as_json=False, width=width)
    lines = table.splitlines()

    assert max(map(len, lines)) <= width
    assert lines[-1] == "2 failures"
    for one in failures.invocations:
        assert one.request_id[:8] in table


def test_one_failure_in_full(failures: Failures) -> None:
    """By its id or the beginning of it; the event as it was sent."""
    payload = failures.unreached(failures.fired())
    failures.unreached({"key": "other", "policy": "nightly"})
    first = failures.invocations[0].request_id
    done, text, _ = failures.show(ids=[first[:8]], as_json=False)

    assert done
    assert payload in text
    assert first in text
    assert "other" not in text
    done, _, messages = failures.show(ids=["nothing"])
    assert not done
    assert "'nothing': no such message can be received now" in messages


def test_only_one_function(failures: Failures) -> None:
    """A name that is none is said with the nearest."""
    failures.unreached(failures.fired())
    failures.unreached(failures.world.stopped("i-1"), of="snapshot_on_event")

    found = json.loads(failures.show(function="snapshot_on_event")[1])["failures"]
    assert [one["function"] for one in found] == ["snapshot_on_event"]
    done, _, messages = failures.show(function="snapshot_on_events")
    assert not done
    assert "did you mean 'snapshot_on_event'?" in messages


ARN = "acs:fc:r:1:functions/snapshot_on_schedule"


def message(arn: str = ARN, *, event: str = "{}", request_id: str = "r-1") -> str:
    """Return a message as FC documents it, as far as it is read."""
    return json.dumps(
        {
            "requestContext": {"functionArn": arn, "requestId": request_id},
            "requestPayload": event,
        }
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("no JSON", "damaged"),
        ("[]", "damaged"),
        ('{"requestPayload": "{}"}', "damaged"),
        (message("acs:fc:r:1:functions/other"), "function 'other' is not of deployment main"),
        (message(event='{"key": "\ufffd"}'), "characters that could not be read"),
        (message(event="no JSON"), "the function would reject it: event"),
    ],
)
def test_what_cannot_be_sent_again_is_shown_with_the_reason(
    failures: Failures, body: str, says: str
) -> None:
    """And with an id, so that it can be found in the console."""
    failures.put(body)
    (found,) = shown(failures)

    assert says in str(found["obstacle"])
    assert found["id"]
    assert failures.show(as_json=False)[0]


def test_the_name_of_a_function_of_fc_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ARN has a service, with or without a qualifier."""
    with failures_world(tmp_path, monkeypatch, api="2.0") as failures:
        failures.unreached(failures.fired())
        arn = "acs:fc:::services/snapshot-on-schedule.LATEST/functions/snapshot_on_schedule"
        failures.put(message(arn))

        assert [one["function"] for one in shown(failures)] == ["snapshot_on_schedule"] * 2


def test_an_error_text_is_shown_as_it_is(failures: Failures) -> None:
    """Markup in it means nothing, and a long one is cut in the table only."""
    body = {
        "requestContext": {"functionArn": "acs:fc:r:1:functions/resume_runs", "requestId": "r-1"},
        "requestPayload": "{}",
        "responsePayload": json.dumps({"errorType": "E", "errorMessage": f"[red]{'x' * 300}"}),
    }
    failures.put(json.dumps(body))
    _, table, _ = failures.show(as_json=False, width=300)
    (found,) = shown(failures)

    assert "[red]" in table
    assert "x" * 200 not in table
    assert found["error"] == f"[red]{'x' * 300}"


@pytest.mark.parametrize("missing", ["", "mns:PeekMessage", "mns:BatchPeekMessage"])
def test_the_readers_policy_is_enough_to_look(
    failures: Failures, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """And with one action less the message names it."""
    failures.unreached(failures.fired())
    use_policy(failures.world, monkeypatch, without(READER, missing))
    done, _, messages = failures.show()

    assert done is not bool(missing)
    assert missing in messages


def test_the_host_of_the_queue_is_that_of_the_account(
    failures: Failures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its id the host is not known, and setup writes it."""
    monkeypatch.delenv("SMQ_ENDPOINT")
    done, _, messages = failures.show()
    assert not done
    assert "account_id: placeholder" in messages

    file = tmp_path / "deployment.yaml"
    file.write_text(f"account_id: '1111222233334444'\n{file.read_text()}")
    assert failures.show()[0]


def test_the_command_itself(failures: Failures) -> None:
    """Its exit codes; `--replay` needs a time that can be read."""
    policies = str(policies_of(failures.world))
    failures.unreached(failures.fired())
    runner = CliRunner()

    found = runner.invoke(app, ["failures", "--policies", policies, "--json"])
    assert found.exit_code == 0
    assert len(json.loads(found.stdout)["failures"]) == 1
    wrong = ["failures", "--replay", "--wait", "soon", "--policies", policies]
    assert runner.invoke(app, wrong).exit_code == 2
