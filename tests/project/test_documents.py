"""All documents: links and paths lead somewhere, and each command works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GUIDES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
"""Their commands are run from the project's folder."""
DOCUMENTS = (*GUIDES, ROOT / "CHANGELOG.md", *sorted((ROOT / "emulator").rglob("*.md")))

COVERED_ELSEWHERE = {
    "make demo": "tests/project/test_readme.py runs it, and compares its output",
    "make test": "is what runs this test",
    "make check": ".ci/run runs it before the tests",
    "make package": "tests/project/test_package.py builds it, in a folder of its own",
    "make chaos SEEDS=100": "tests/chaos runs seeds of its own",
    "make chaos SEED=7": "tests/chaos runs seeds of its own",
    "make deploy-tools": ".ci/run runs it before the tests",
    "make clients": ".ci/run runs it before the tests",
    "make bench-cold": "takes minutes; tests/project/test_contributing.py finds the target",
    "make bench-pacing": "takes minutes; tests/project/test_contributing.py finds the target",
    "make bench-growth": "takes minutes; tests/project/test_contributing.py finds the target",
}
NEEDS_A_CLOUD = {
    ".venv/bin/ecsnap failures",
    ".venv/bin/ecsnap failures --replay --wait 5m",
    ".venv/bin/ecsnap request --policy nightly-production --wait",
    ".venv/bin/ecsnap request --disk d-bp1web10000000000sys --key ticket-4711 --wait=10m",
    ".venv/bin/ecsnap request --instance i-bp1web00000000000001 --instance i-bp1db000000000000001",
    ".venv/bin/ecsnap request --tag env=prod --tag 'role=web-*' --dry-run",
    # tests/cli/test_local.py runs these.
    ".venv/bin/ecsnap emulator",
    ".venv/bin/ecsnap request --disk d-bp1web10000000000sys --wait 2m --local",
    ".venv/bin/ecsnap coverage --local",
    ".venv/bin/ecsnap setup",
    ".venv/bin/ecsnap setup --apply",
    ".venv/bin/ecsnap setup --destroy --functions",
    "s deploy",
    "make deploy-fun",
    ".venv/bin/python -m cli smoke",
}
MAX_README_LINES = 120
MAX_PROSE_CHARS = 100

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_PATH = re.compile(
    r"`((?:functions|shared|events|emulator|cli|docs|tests|benchmarks|requirements)/[\w./-]*)`"
)
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def blocks(language: str) -> Iterator[str]:
    for guide in GUIDES:
        for shown, block in _FENCE.findall(guide.read_text(encoding="utf-8")):
            if shown == language:
                yield block


def commands(language: str) -> set[str]:
    lines = [line for block in blocks(language) for line in block.splitlines()]
    return {re.split(r"  +#", line)[0].strip().removeprefix("$ ") for line in lines} - {""}


def prose(document: Path) -> str:
    return _FENCE.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """The names by which GitHub knows the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    texts = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    """A reader who follows a link arrives."""
    broken = []
    for path, anchor in _LINK.findall(prose(document)):
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}" if anchor else path)

    assert broken == []


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=name_of
)
def test_every_path_that_is_named_exists(document: Path) -> None:
    """The changelog aside, which also names what there was, a name in backticks is there."""
    named = _PATH.findall(prose(document))

    assert [name for name in named if "*" not in name and not (ROOT / name).exists()] == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    """Every page has a link to it."""
    found, new = set(), {ROOT / "README.md"}
    while new:
        found |= new
        new = {
            (document.parent / path).resolve()
            for document in new
            for path, _ in _LINK.findall(prose(document))
            if path.endswith(".md")
        } - found

    assert set(DOCUMENTS) - found == set()


def test_every_guide_links_back_to_the_readme() -> None:
    """Who came from a search finds the beginning."""
    without = [
        name_of(guide) for guide in GUIDES[1:] if "README.md)" not in guide.read_text("utf-8")
    ]

    assert without == []


@pytest.mark.parametrize("readme", [GUIDES[0], ROOT / "emulator" / "README.md"], ids=name_of)
def test_a_readme_is_short(readme: Path) -> None:
    """It is the entrance; the documents are the manual."""
    assert len(readme.read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_lines_of_prose_are_short(document: Path) -> None:
    """So that a change shows as few lines."""
    written = re.sub(r"<!-- begin generated.*?end generated", "", prose(document), flags=re.DOTALL)
    lines = written.splitlines()

    assert [line for line in lines if len(line) > MAX_PROSE_CHARS and "|" not in line] == []


def test_only_the_deployments_are_exempt() -> None:
    """What is shown as not for copying is exactly what needs a cloud."""
    assert commands("console") == NEEDS_A_CLOUD
    assert set(COVERED_ELSEWHERE) <= commands("sh")


@pytest.mark.parametrize("command", sorted(commands("sh") - set(COVERED_ELSEWHERE)))
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


_EXAMPLE = re.compile(
    r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)


def examples() -> list[tuple[str, str, str]]:
    """Of the emulator's documents: the document's name, the code, the output that is shown."""
    return [
        (name_of(document), code, output)
        for document in sorted((ROOT / "emulator").rglob("*.md"))
        for code, output in _EXAMPLE.findall(document.read_text(encoding="utf-8"))
        # tests/emulator/test_serve_command.py runs the example that needs a server.
        if "ready.json" not in code
    ]


@pytest.mark.parametrize(("document", "code", "output"), examples())
def test_every_example_of_the_emulator_works(document: str, code: str, output: str) -> None:
    """From the project's folder, as it is; what is shown as its output is what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, (document, done.stderr)
    assert output in ("", done.stdout)


def test_the_emulator_has_examples() -> None:
    """One of them shows its output."""
    assert len(examples()) > 4
    assert any(output for _, _, output in examples())
