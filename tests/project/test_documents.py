"""README and docs/: each command that needs no cloud works, links and names lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.project.documents import DOCS, ROOT

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]

COVERED_ELSEWHERE = {
    "make test": "is what runs this test",
    "make check": ".ci/run runs it before the tests",
    "make package": "tests/project/test_package.py builds it, in a folder of its own",
}
NEEDS_A_CLOUD = {"s deploy", "make deploy-fun", ".venv/bin/python -m cli smoke"}


def shown(language: str) -> set[str]:
    """Return the commands in all blocks of a language, without remarks."""
    block = re.compile(rf"```{language}\n(.*?)```", re.DOTALL)
    blocks = [one for page in PAGES for one in block.findall(page.read_text(encoding="utf-8"))]
    lines = [line.split("    #")[0].strip() for block in blocks for line in block.splitlines()]
    return {line.removeprefix("$ ").split("   ")[0] for line in lines if line}


def test_only_the_deployments_are_exempt() -> None:
    """What is shown as not for copying is exactly what needs a cloud."""
    commands = {command for command in shown("console") if command in NEEDS_A_CLOUD}

    assert commands == NEEDS_A_CLOUD
    assert set(COVERED_ELSEWHERE) <= shown("sh")


@pytest.mark.parametrize("command", sorted(shown("sh") - set(COVERED_ELSEWHERE)))
def test_every_command_works(command: str) -> None:
    """It exits with 0, without a terminal."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        timeout=180,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file, and to a heading in it."""
    links = re.findall(r"\]\((?!http)([^)]+)\)", page.read_text(encoding="utf-8"))
    missing = []
    for link in links:
        name, _, anchor = link.partition("#")
        path = page.parent / name if name else page
        if not path.exists() or (anchor and anchor not in anchors_in(path)):
            missing.append(link)

    assert links
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_it_names_exists(page: Path) -> None:
    """By its path from the top of the project."""
    text = page.read_text(encoding="utf-8")
    names = re.findall(r"`((?:functions|shared|events|emulator|cli|docs|tests)/[\w./-]*)`", text)

    assert [name for name in names if not (ROOT / name).exists()] == []


def anchors_in(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
