"""`python -m cli`: its output and its exit status."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app

ROOT = Path(__file__).parent.parent.parent


def test_check_prints_one_problem_a_line_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`acs:ram::` is no emoji, `[/red]` no markup, and no line is broken."""
    monkeypatch.setenv("COLUMNS", "40")
    (tmp_path / "policies.yaml").write_text(
        "deployment: main\npolicies: []\ntimers: {'[/red]acs:ram::': {every: 1h}}\n"
    )

    done = CliRunner().invoke(app, ["check", str(tmp_path / "policies.yaml")])

    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == (
        "policies.yaml line 3: timers.[/red]acs:ram::: '[/red]acs:ram::': must be 1 to 128 "
        "letters, digits, '_' and '-', and start with a letter or '_'\n"
    )


def test_check_reports_what_it_compared(tmp_path: Path) -> None:
    """A policy file elsewhere is judged by itself."""
    alone = tmp_path / "mine.yaml"
    shutil.copy(ROOT / "policies.yaml", alone)

    done = CliRunner().invoke(app, ["check", str(alone)])
    assert done.stdout == (
        "mine.yaml: valid; its folder has no deployment.yaml, so nothing else was checked\n"
    )
    assert CliRunner().invoke(app, ["check"]).stdout == (
        "policies.yaml: valid; deployment.yaml and the templates match it\n"
    )


def test_templates_are_written_from_both_files_and_only_if_they_differ(tmp_path: Path) -> None:
    """What `check` calls out of date, `templates` writes; the second time nothing."""
    for part in ("policies.yaml", "deployment.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / part, tmp_path)
    path = str(tmp_path / "policies.yaml")
    text = (tmp_path / "policies.yaml").read_text()
    (tmp_path / "policies.yaml").write_text(text.replace("0 10 * * * *", "0 20 * * * *"))

    before = CliRunner().invoke(app, ["check", path])
    written = CliRunner().invoke(app, ["templates", path])
    again = CliRunner().invoke(app, ["templates", path])
    after = CliRunner().invoke(app, ["check", path])

    assert before.exit_code == 1
    assert [one for one in before.stderr.splitlines() if not one.startswith("warning: ")] == [
        f"{name}: out of date; run `make templates`, which writes it"
        for name in ("s.yaml", "template.yml")
    ]
    assert written.stdout == "s.yaml: written\ntemplate.yml: written\n"
    assert again.stdout == "the templates are up to date\n"
    assert after.exit_code == 0
    assert "0 20 * * * *" in (tmp_path / "s.yaml").read_text()


def test_templates_are_not_written_from_a_file_with_mistakes(tmp_path: Path) -> None:
    """What is there stays as it is."""
    for part in ("policies.yaml", "deployment.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / part, tmp_path)
    (tmp_path / "deployment.yaml").write_text("region: cn-hangzho\n")

    done = CliRunner().invoke(app, ["templates", str(tmp_path / "policies.yaml")])

    assert done.exit_code == 1
    assert "did you mean 'cn-hangzhou'?" in done.stderr
    assert (tmp_path / "s.yaml").read_text() == (ROOT / "s.yaml").read_text()


def test_invoke_fails_without_a_traceback() -> None:
    """Status 1 and a message are all that a wrong name deserves."""
    done = CliRunner().invoke(app, ["invoke", "snapshot_on_event", "no-such.json"])

    assert done.exit_code == 1
    assert done.stderr == "no-such.json: cannot be read: No such file or directory\n"
    assert done.stdout == ""
