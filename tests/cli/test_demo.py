"""`make demo`: its output is true, or it fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.demo import demo
from cli.demo_conclusion import TRY_LOCAL, TRY_NOW, Deliveries, causes, conclusion
from cli.demo_tables import most_telling, outcomes_table, records_table
from emulator.ecs.settings import EcsSettings
from tests.cli.consoles import console
from tests.cli.page.pages import disks_of, document_of

ROOT = Path(__file__).parent.parent.parent
POLICIES = ROOT / "policies.yaml"
NOTHING = (
    "no snapshot was created; the demo needs valid policies on timer 'nightly' or on spot "
    "interruptions; run python -m cli check"
)


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = POLICIES.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "policies.yaml"
    path.write_text(text)
    return path


def test_explains_what_a_new_user_sees() -> None:
    """Why it is fast, why disks fail, what is left out, and that nothing was made twice."""
    screen, text = console(80)

    assert demo(screen, POLICIES)

    shown = " ".join(text.getvalue().split())
    for line in (
        "Its clock runs 600 times as fast, so a minute of waiting takes a tenth of a second.",
        "The fleet contains a disk for every kind of rejection.",
        "so that Function Compute counts it as failed, retries it and sends an alert:",
        "d-bp1db100000000000tmp is not among them, because the policies exclude its tag",
        "because the policies exclude its tag snapshot: never.",
        "What each code means: docs/troubleshooting.md.",
        "New snapshots after the second delivery: 0",
        "The same where ECS remembers no token (the tags alone): 0",
        "The same where new snapshots are not listed for an hour (the token alone): 0",
    ):
        assert line in shown
    assert max(len(line.rstrip()) for line in text.getvalue().splitlines()) <= 80


def test_ends_with_what_it_showed_and_what_to_try_next() -> None:
    """The counts, each disk without a snapshot and why, the policy, and commands."""
    screen, text = console(150)

    assert demo(screen, POLICIES)

    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    end = lines[lines.index("Events delivered twice: 2, on each of 3 emulators") :]
    assert end[1:4] == [
        "Snapshots taken: 30 (10, 10, 10)",
        "Duplicates: 0",
        "Disks without a snapshot: 5 (2 failed, 1 deferred, 2 skipped)",
    ]
    assert end[end.index("d-bp1quotafull00000001 failed: QuotaExceed.Snapshot") + 1] == (
        "  the disk has as many manual snapshots as ECS allows (256); to do: delete some of them, "
        "or set retention_days"
    )
    first = POLICIES.read_text().splitlines().index("  - name: nightly-production") + 1
    policy = end.index(f"The policy that selects them (policies.yaml lines {first}-{first + 8}):")
    assert end[policy + 2] == "  - name: nightly-production"
    assert end[policy + 10] == "      retention_days: 30"
    assert end[policy + 11] == ""
    # How often a run records that it waits depends on the machine.
    (shown,) = (line for line in lines if "most telling" in line)
    assert re.fullmatch(r"The 10 most telling of \d+ records; ecsnap demo --all shows all\.", shown)
    assert end[-1] == f".venv/bin/{TRY_LOCAL[-1]}"


def test_shows_every_record_if_asked() -> None:
    """As many as it counts."""
    screen, text = console(120)

    assert demo(screen, POLICIES, {}, everything=True)

    shown = text.getvalue()
    rows = re.findall(r"^\d\d:\d\d:\d\d ", shown, re.MULTILINE)
    assert f"\n{len(rows)} records.\n" in shown
    assert len(rows) > 20


@pytest.mark.parametrize("command", TRY_NOW)
def test_what_it_proposes_works(command: str) -> None:
    """tests/cli/test_local.py tries those that need the emulator."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m cli {command.removeprefix('ecsnap ')}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_conclusion_counts_duplicates_and_unknown_codes_have_their_reason() -> None:
    """It is no decoration: what would be wrong is shown."""
    screen, text = console(80)
    outcome = {"disk_id": "d-1", "status": "failed", "code": "NoSuchCode", "reason": "told so"}

    for line in conclusion(2, [Deliveries(taken=3, again=1)], [outcome]):
        screen.print(line)

    assert [line.rstrip() for line in text.getvalue().splitlines()] == [
        "Events delivered twice: 2, on each of 1 emulators",
        "Snapshots taken: 3",
        "Duplicates: 1",
        "Disks without a snapshot: 1 (1 failed)",
        "",
        "d-1 failed: NoSuchCode",
        "  told so",
    ]


def test_its_last_line_says_where_the_page_is(tmp_path: Path) -> None:
    """With the emulator's disks, those whose snapshots have ended among them."""
    screen, text = console(80)
    path = tmp_path / "new" / "demo.html"

    assert demo(screen, POLICIES, {}, page=path)
    assert text.getvalue().splitlines()[-1] == f"All disks in a page for your browser: {path}"
    document = document_of(path.read_text(encoding="utf-8"))
    disks = disks_of(document)
    assert (document["deployment"], document["missing"]) == ("main", [])
    assert disks["d-bp1web10000000000sys"]["strip"].endswith("g")
    assert disks["d-bp1lockedinstancesys"]["strip"].endswith("f")
    assert disks["d-bp1db100000000000tmp"]["state"] == "unprotected"


def test_fails_where_its_page_cannot_be_written(tmp_path: Path) -> None:
    """And says why."""
    screen, text = console(400)

    assert not demo(screen, POLICIES, {}, page=tmp_path)
    assert f"--html: {tmp_path}: is a folder; name a file" in text.getvalue()


def test_fails_where_no_policy_is_shown(tmp_path: Path) -> None:
    """Empty tables demonstrate nothing."""
    policies = edited(
        tmp_path,
        ("timer: nightly", "timer: weekly"),
        ("PreemptibleInstanceInterruption", "SurplusCreditIncurCharge"),
    )
    screen, text = console(400)

    assert not demo(screen, policies)
    assert NOTHING in text.getvalue()


def test_fails_with_the_mistakes_where_the_policies_are_wrong(tmp_path: Path) -> None:
    """Another delivery would not help, so none is promised."""
    policies = edited(tmp_path, ("retention_days: 30", "retention_days: 0"))
    screen, text = console(400)

    assert not demo(screen, policies)
    assert "raised InvalidPolicyError:" in text.getvalue()
    assert "policies[0].snapshot.retention_days" in text.getvalue()
    assert "tries again" not in text.getvalue()
    assert NOTHING in text.getvalue()


def test_fails_where_a_harsh_cloud_took_nothing() -> None:
    """No second snapshot, because there was no first, is no proof."""
    screen, text = console(400)

    assert not demo(screen, POLICIES, {"without room": EcsSettings(manual_snapshot_quota=0)})
    assert NOTHING in text.getvalue()


RECORD = {
    "at": "2026-03-01T12:00:00Z",
    "function": "snapshot_on_schedule",
    "record": "disk",
    "disk_id": "d-bp1inprogress0000001",
    "instance_id": "",
    "status": "deferred",
    "code": "IncorrectDiskStatus.CreatingSnapshot",
    "reason": "another snapshot of the disk is being made",
    "snapshot_id": "s-bp1e1b6fc5ea3546fce2",
}
OTHER = RECORD | {"disk_id": "d-2", "snapshot_id": "s-2", "status": "created", "code": ""}
START = {"at": RECORD["at"], "function": RECORD["function"], "record": "part_started"}
END = START | {"record": "part_finished", "status": "partially_failed"}


@pytest.mark.parametrize("width", [60, 80, 100, 120, 150])
def test_ids_and_statuses_stay_whole_at_any_width(width: int) -> None:
    """What has to be copied is never cut, and every line fits."""
    screen, text = console(width)
    screen.print(outcomes_table("nightly-production", [RECORD], width))
    screen.print(records_table([START, RECORD, END], width))
    lines = text.getvalue().splitlines()

    wanted = [RECORD["disk_id"], RECORD["status"], "part_started"]
    wanted += [RECORD["code"], "12:00:00"] if width >= 80 else []
    wanted += [END["record"], END["status"]]
    wanted += [RECORD["snapshot_id"]] if width >= 100 else []
    wanted += [RECORD["reason"]] if width >= 140 else []
    assert [part for part in wanted if part not in text.getvalue()] == []
    assert max(len(line.rstrip()) for line in lines) <= width


def test_failures_come_first_in_the_outcomes() -> None:
    """Then what is waiting, what was skipped, and what is good, each by disk."""
    statuses = ["created", "skipped", "failed", "deferred", "created", "snapshot_failed"]
    records = [
        RECORD | {"disk_id": f"d-{number}", "status": status, "code": ""}
        for number, status in enumerate(statuses)
    ]
    screen, text = console(80)
    screen.print(outcomes_table("nightly", records, 80))

    disks = re.findall(r"^d-\d", text.getvalue(), re.MULTILINE)
    assert disks == ["d-2", "d-5", "d-3", "d-1", "d-0", "d-4"]


def test_of_many_records_one_of_each_kind_is_shown() -> None:
    """A snapshot that exists already is shown with its creation, and their order stays."""
    again = OTHER | {"status": "already_exists"}
    other = again | {"snapshot_id": "s-3"}
    records = [START, RECORD, OTHER, END, other, again, dict(START), dict(OTHER)]

    assert most_telling(records, 10) == [START, RECORD, OTHER, END, again]
    assert most_telling(records, 2) == [RECORD, OTHER]
    assert most_telling([], 10) == []


def test_the_policy_ends_where_its_lines_end(tmp_path: Path) -> None:
    """Comments after it are those of the next one; one policy may be on one line."""
    path = tmp_path / "policies.yaml"
    path.write_text(
        "policies:\n  - {name: a,\n     on: {}}\n\n  # b is next\n  - name: b\n    on: {}\n"
    )

    assert [text for _, text in causes(path, [RECORD | {"policy": "a"}])] == [
        "- {name: a,\n   on: {}}"
    ]
    assert list(causes(path, [RECORD | {"policy": "b"}])) == [
        ("The policy that selects them (policies.yaml lines 6-7):", "- name: b\n  on: {}")
    ]
    assert list(causes(path, [RECORD | {"policy": "b", "status": "created"}])) == []


def test_a_long_code_is_wrapped_not_cut() -> None:
    """A code may be longer than any that is known."""
    screen, text = console(80)
    code = "InvalidParameter.KMSKeyId.CMKUnauthorized.AndWhatNot"

    screen.print(records_table([RECORD | {"code": code}], 80))

    cells = [line.rstrip()[-40:].split()[-1] for line in text.getvalue().splitlines()[2:]]
    assert "".join(cells) == code
