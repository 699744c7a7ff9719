"""`cli invoke`: one event on a cloud of the operator's making, or one readable message."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from cli.console import Output
from cli.emulator_session import as_of, emulator_session
from cli.invoke import invoke
from tests.cli.consoles import console

ROOT = Path(__file__).parent.parent.parent
POLICIES = ROOT / "policies.yaml"
FLEET = ROOT / "emulator" / "fleets" / "demo.yaml"
NOW = datetime(2026, 3, 1, 12, 30, 5, tzinfo=timezone.utc)
DISK = "d-bp1a000000000000001"


def request_of(tmp_path: Path, disk_id: str = DISK) -> Path:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"key": "ticket-1", "disk_ids": [disk_id]}))
    return path


def fleet_of(tmp_path: Path, *more: str) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text("\n".join([f"regions: {{cn-hangzhou: {{disks: [{{id: {DISK}}}]}}}}", *more]))
    return path


def output_of(
    function: str,
    event: Path,
    *,
    fleet: Path = FLEET,
    policies: Path = POLICIES,
    now: bool = False,
    width: int = 40,
    stdin: bytes = b"",
) -> str:
    screen, text = console(width)
    output = Output(console=screen, messages=screen)
    given = io.BytesIO(stdin)
    invoke(output, function, event, fleet=fleet, policies=policies, now=now, stdin=given)
    return text.getvalue()


def test_shows_the_answer_and_the_records(tmp_path: Path) -> None:
    """Read back from the log, wherever the fleet has it."""
    fleet = fleet_of(tmp_path, "sls: {project: my-project, logstore: my-records}")
    event = request_of(tmp_path)

    shown = output_of("snapshot_on_event", event, fleet=fleet, now=True, width=150)

    lines = [line.rstrip() for line in shown.splitlines()]
    assert lines[:2] == ["status ok", "policy direct in cn-hangzhou; 1 created"]
    assert re.search(rf"^{DISK}  +created  +accepted by ECS  +s-bp1", shown, re.MULTILINE)
    assert re.search(r"on_event +part_finished +ok", shown)
    assert lines[-1] == "3 records; --json shows every field"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_failures_come_first_and_nothing_is_cut_off(width: int) -> None:
    """Of the outcomes and of the records; ids and statuses stay whole."""
    event = ROOT / "events" / "snapshot_on_schedule" / "timer.json"

    shown = output_of("snapshot_on_schedule", event, now=True, width=width)

    assert "RunFailedError: " in shown
    disks = re.findall(r"(d-bp1\w+) +(failed|deferred|skipped|created)\b", shown)
    assert len(disks) == 26
    for table in (disks[:13], disks[13:]):
        assert [status for _, status in table] == (
            ["failed"] * 2 + ["deferred"] + ["skipped"] * 2 + ["created"] * 8
        )
        assert all(len(disk_id) == 22 for disk_id, _ in table)
    assert max(len(line.rstrip()) for line in shown.splitlines()[1:]) <= width


def test_an_event_may_come_from_stdin(tmp_path: Path) -> None:
    """Its mistakes have the lines of what came."""
    good, fleet = request_of(tmp_path).read_bytes(), fleet_of(tmp_path)
    bad = b'{\n "key": "k",\n "disk_idz": []\n}'

    assert "status ok" in output_of("snapshot_on_event", Path("-"), fleet=fleet, stdin=good)
    assert output_of("snapshot_on_event", Path("-"), fleet=fleet, stdin=bad).startswith(
        "InvalidEventError: invalid event\n  stdin line 3: disk_idz: "
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "stdin: empty; must contain an event as JSON, see events/\n"),
        (b" \n", "stdin: empty; must contain an event as JSON, see events/\n"),
        (b"nope", "InvalidEventError: invalid event\n  stdin: event: b'nope': must be JSON"),
        (b"\xff", "InvalidEventError: invalid event\n  stdin: event: b'\\xff': must be JSON"),
        (
            b"x" * 600_000,
            "InvalidEventError: invalid event\n  stdin: event: must be at most 524288",
        ),
    ],
    ids=["empty", "blank", "no JSON", "no UTF-8", "too large"],
)
def test_what_is_no_event_is_named(text: bytes, problem: str) -> None:
    """One message, whatever comes."""
    assert output_of("snapshot_on_event", Path("-"), stdin=text).startswith(problem)


def test_an_event_without_an_end_is_read_only_until_it_is_too_large() -> None:
    """A device or a pipe may never end."""
    shown = output_of("snapshot_on_event", Path("/dev/zero"))

    assert "zero: event: must be at most 524288 bytes" in shown


def test_a_folder_is_no_event(tmp_path: Path) -> None:
    """The system's own words."""
    assert output_of("snapshot_on_event", tmp_path) == (
        f"{tmp_path}: cannot be read: Is a directory\n"
    )


@pytest.mark.parametrize("variable", ["FC_API", "SNAPSHOTS_FC_API", "FC_ENDPOINT"])
def test_a_trial_hands_nothing_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """What an operator has set for functions elsewhere is not for this cloud, which has none."""
    monkeypatch.setenv(variable, "no such thing")

    answer = output_of("snapshot_on_event", request_of(tmp_path), fleet=fleet_of(tmp_path))

    assert "status ok\n" in answer


def test_uses_the_settings_of_the_fleet(tmp_path: Path) -> None:
    """Its ECS settings, and where its records are."""
    fleet = fleet_of(
        tmp_path,
        "ecs_settings: {manual_snapshot_quota: 0}",
        "sls: {project: my-project, logstore: my-records}",
    )

    with emulator_session(fleet, POLICIES, speed=600.0) as session:
        session.invoke("snapshot_on_event", request_of(tmp_path).read_bytes())
        records = session.cloud.sls.records("my-project", "my-records")

    assert session.cloud.ecs_settings.manual_snapshot_quota == 0
    assert "QuotaExceed.Snapshot" in {record.get("code") for record in records}


def test_the_demo_fleet_has_its_log_where_the_documents_have_it(tmp_path: Path) -> None:
    """One pair of names in queries, samples and the README."""
    with emulator_session(FLEET, tmp_path, speed=600.0) as session:
        assert (session.sls_project, session.sls_logstore) == ("snapshot-automation", "records")


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "http_proxy"])
def test_goes_past_an_operators_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An emulator is on loopback, which no proxy reaches."""
    monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert "status ok\n" in output_of(
        "snapshot_on_event", request_of(tmp_path), fleet=fleet_of(tmp_path)
    )


def test_takes_foreign_text_as_it_is(tmp_path: Path) -> None:
    """Rich would stumble over a closing tag, and make an emoji of a code."""
    shown = output_of("snapshot_on_event", request_of(tmp_path, "d-[/red]:ram:"))

    assert "InvalidEventError" in shown
    assert "'d-[/red]:ram:'" in shown


def test_a_message_is_not_broken_at_the_edge(tmp_path: Path) -> None:
    """A line stays a line, for whoever copies or searches it."""
    missing = tmp_path / ("long" * 20)

    assert output_of("snapshot_on_event", missing) == (
        f"{missing}: cannot be read: No such file or directory\n"
    )


def test_each_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """One line for each, and no traceback."""
    event, missing = request_of(tmp_path), tmp_path / "none"

    for shown in (
        output_of("snapshot_on_event", missing),
        output_of("snapshot_on_event", event, fleet=missing),
        output_of("snapshot_on_event", event, policies=missing),
    ):
        assert shown == f"{missing}: cannot be read: No such file or directory\n"
    assert output_of("prune", event).startswith(
        "prune: unknown function; known are record_completion, "
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("regions: {hangzhou: {}}", "regions.hangzhou"),
        ("regions: {cn-hangzhou: {}}\nsls: {project: Not_Good}", "sls.project: 'Not_Good'"),
        ("\0", "must be YAML"),
    ],
)
def test_a_fleet_that_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """The path as it was given, and each problem."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(text)

    shown = output_of("snapshot_on_event", request_of(tmp_path), fleet=fleet)

    assert shown.startswith(f"{fleet}: invalid fleet file:\n")
    assert problem in shown


@pytest.mark.parametrize("event", [b"{", b"\xff", b"[" * 100_000, b"", b"null", b'"x"'])
def test_an_event_without_a_time_stays_as_it_is(event: bytes) -> None:
    """The function decides whether its content is valid."""
    assert as_of(event, NOW) == event


def test_an_event_may_be_as_of_now() -> None:
    """Samples are of last year, and too old to be carried out."""
    assert json.loads(as_of(b'[{"time": "x", "id": "1"}, {"triggerTime": "y"}]', NOW)) == [
        {"time": "2026-03-01T12:30:00Z", "id": "1"},
        {"triggerTime": "2026-03-01T12:30:00Z"},
    ]


def test_a_wrong_key_of_a_fleet_is_named_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    """All of them at once."""
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        f"regions:\n  cn-hangzhou:\n    diks:\n      - id: {DISK}\necs_setting: {{}}\n"
    )

    first, *lines = output_of("snapshot_on_event", request_of(tmp_path), fleet=fleet).splitlines()

    assert first == f"{fleet}: invalid fleet file:"
    assert [line.partition(": unknown: ")[0].partition(": ")[0] for line in lines] == [
        f"{fleet} line 5",
        f"{fleet} line 3",
    ]
    assert lines[0].endswith("; did you mean 'ecs_settings'?")
    assert lines[1].endswith("; did you mean 'disks'?")


WARNINGS = "default,ignore:datetime.datetime.utcnow() is deprecated:DeprecationWarning"
"""All but the one that the SDKs bring from Python 3.12 on, as in pyproject.toml."""


def run(*arguments: object) -> Any:
    """Run the command as a user does: no terminal, and both streams piped."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": WARNINGS, "COLUMNS": "80"},
    )


def test_programs_get_one_json_document_alone(tmp_path: Path) -> None:
    """With the answer and the records; what a function raised is a message too."""
    fleet = fleet_of(tmp_path)

    good = run("invoke", "snapshot_on_event", request_of(tmp_path), "--fleet", fleet, "--json")
    bad = tmp_path / "bad.json"
    bad.write_text('{"key": "k", "disk_idz": []}')
    raised = run("invoke", "snapshot_on_event", bad, "--fleet", fleet, "--json")

    found = json.loads(good.stdout)
    assert (good.returncode, good.stderr, found["answer"]["status"]) == (0, "", "ok")
    assert (found["function"], found["error"]) == ("snapshot_on_event", None)
    assert found["records"][-1]["record"] == "part_finished"
    assert raised.returncode == 1
    found = json.loads(raised.stdout)
    assert (found["answer"], found["error"]["type"]) == (None, "InvalidEventError")
    assert [one["record"] for one in found["records"]] == ["rejected"]
    assert raised.stderr.startswith(
        "InvalidEventError: invalid event\n  bad.json line 1: disk_idz: "
    )
    assert "; did you mean 'disk_ids'?" in raised.stderr


def test_policies_that_are_wrong_are_named_with_their_lines(tmp_path: Path) -> None:
    """As `check` names them; each event's mistakes have lines, too."""
    wrong = tmp_path / "mine.yaml"
    wrong.write_text("deployment: main\npolicies:\n  - name: a\n    onn: {timer: n}\n")

    shown = output_of(
        "snapshot_on_event", request_of(tmp_path), fleet=fleet_of(tmp_path), policies=wrong
    )

    assert shown.startswith("InvalidPolicyError: invalid policies\n  mine.yaml line 4: policy a: ")
    event = tmp_path / "event.json"
    event.write_text('{\n "key": "k",\n "disk_ids": [\n  "d-1",\n  "x"\n ]\n}')
    shown = output_of("snapshot_on_event", event, fleet=fleet_of(tmp_path))
    assert shown.startswith(
        "InvalidEventError: invalid event\n  event.json line 5: disk_ids[1]: 'x': must be"
    )
