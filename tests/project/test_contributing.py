"""CONTRIBUTING.md is a map: each place that it names exists, and so does each command."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_ten_questions_are_answered() -> None:
    """Each row has a question and a file of its own, which no other row names."""
    section = TEXT.split("## Where is the rule that decides …\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| ")]
    answered = [(question, re.findall(r"`(shared/[\w/]+\.py)`", file)) for question, file in rows]
    answers = [file for question, files in answered if "?" in question for file in files]

    assert len([files for question, files in answered if "?" in question and files]) == 10
    assert len(set(answers)) == len(answers)


def test_every_folder_is_on_the_map() -> None:
    """A new folder needs a row."""
    folders = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    named = set(re.findall(r"`(\w+)/`", TEXT.split("## Folders\n")[1].split("\n## ")[0]))

    assert folders - named == set()


def test_each_command_is_a_target_of_the_makefile() -> None:
    """Every command in it exists."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^make ([a-z -]+?)(?: [A-Z]+=\d+)?(?:  +#.*)?$", TEXT, re.MULTILINE)

    assert commands
    for target in " ".join(commands).split():
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
