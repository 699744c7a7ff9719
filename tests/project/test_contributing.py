"""CONTRIBUTING.md is a map: each place that it names exists, and so does each command."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_each_file_and_folder_that_is_named_exists() -> None:
    """A map of a house that was rebuilt leads nowhere."""
    named = re.findall(r"`((?:shared|tests|emulator|docs)/[^`]*)`", TEXT)

    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_ten_questions_are_answered() -> None:
    """Each row has a question and a file."""
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")]

    assert len([row for row in rows if "`shared/" in row]) == 10


def test_each_command_is_a_target_of_the_makefile() -> None:
    """Nobody is told to run what is not there."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^make ([a-z -]+?)(?:  +#.*)?$", TEXT, re.MULTILINE)

    assert commands
    for target in " ".join(commands).split():
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
