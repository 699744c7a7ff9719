"""`python -m cli`: its output and its exit status."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app

ROOT = Path(__file__).parent.parent.parent
PARTS = ("policies.yaml", "template.yml", "s.yaml")


def test_check_prints_one_problem_a_line_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`acs:ram::` is no emoji, `[/red]` no markup, and no line is broken."""
    monkeypatch.setenv("COLUMNS", "40")
    for part in PARTS:
        shutil.copy(ROOT / part, tmp_path / part)
    for part in ("functions", "events"):
        shutil.copytree(ROOT / part, tmp_path / part)
    template = tmp_path / "template.yml"
    text = template.read_text().replace("role/snapshot-on-event", "role/[/red]")
    template.write_text(text)

    done = CliRunner().invoke(app, ["check", str(tmp_path / "policies.yaml")])

    assert done.exit_code == 1
    assert done.stdout == ""
    [line] = [one for one in done.stderr.splitlines() if not one.startswith("warning: ")]
    assert re.sub(r" line \d+", "", line) == (
        "snapshot_on_event: role: template.yml has 'acs:ram::1234567890123456:role/[/red]', "
        "s.yaml has 'acs:ram::1234567890123456:role/snapshot-on-event'; make them equal"
    )


def test_check_speaks_of_templates_only_where_it_saw_them(tmp_path: Path) -> None:
    """A policy file elsewhere is judged by itself."""
    alone = tmp_path / "mine.yaml"
    shutil.copy(ROOT / "policies.yaml", alone)

    done = CliRunner().invoke(app, ["check", str(alone)])
    assert done.stdout == (
        "mine.yaml: valid; its timers and event types were not checked, because its folder "
        "has no templates\n"
    )
    assert CliRunner().invoke(app, ["check"]).stdout == (
        "policies.yaml: valid; template.yml and s.yaml match it\n"
    )


def test_invoke_fails_without_a_traceback() -> None:
    """Status 1 and a message are all that a wrong name deserves."""
    done = CliRunner().invoke(app, ["invoke", "snapshot_on_event", "no-such.json"])

    assert done.exit_code == 1
    assert done.stderr == "no-such.json: cannot be read: No such file or directory\n"
    assert done.stdout == ""
