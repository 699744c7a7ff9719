"""`make demo`: its output is true, or it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.demo import demo
from cli.demo_tables import outcomes_table, records_table
from emulator.ecs.settings import EcsSettings
from tests.cli.consoles import console

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
START = {"at": RECORD["at"], "function": RECORD["function"], "record": "part_started"}
END = START | {"record": "part_finished", "status": "partially_failed"}


@pytest.mark.parametrize("width", [80, 100, 120, 150])
def test_ids_and_statuses_stay_whole_at_any_width(width: int) -> None:
    """What has to be copied is never cut, and every line fits."""
    screen, text = console(width)
    screen.print(outcomes_table("nightly-production", [RECORD], width))
    screen.print(records_table([START, RECORD, END], width))
    lines = text.getvalue().splitlines()

    wanted = [RECORD["disk_id"], RECORD["status"], "12:00:00", "part_started", RECORD["code"]]
    wanted += [END["record"], END["status"]]
    wanted += [RECORD["snapshot_id"]] if width >= 100 else []
    wanted += [RECORD["reason"]] if width >= 140 else []
    assert [part for part in wanted if part not in text.getvalue()] == []
    assert max(len(line.rstrip()) for line in lines) <= width


def test_a_long_code_is_wrapped_not_cut() -> None:
    """A code may be longer than any that is known."""
    screen, text = console(80)
    code = "InvalidParameter.KMSKeyId.CMKUnauthorized.AndWhatNot"

    screen.print(records_table([RECORD | {"code": code}], 80))

    cells = [line.rstrip()[-40:].split()[-1] for line in text.getvalue().splitlines()[2:]]
    assert "".join(cells) == code
