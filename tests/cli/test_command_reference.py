"""The help of the commands, and the reference that docs/cli.md has from it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperOption

from cli.command_reference import COMMANDS, commands, examples_of
from cli.paths import ROOT

EXAMPLES = [(name, example) for name in COMMANDS for example in examples_of(name)]
SHARED = ("--policies", "--json", "--local", "--fleet", "--fun", "--since")


def options(name: str) -> list[Any]:
    return [one for one in COMMANDS[name].params if isinstance(one, TyperOption)]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_has_only_what_the_command_takes(name: str, example: str) -> None:
    """Parsed as when it is typed, but not run."""
    program, command, *arguments = shlex.split(example.partition(" < ")[0])

    assert (program, command) == ("ecsnap", name)
    with COMMANDS[name].make_context(name, arguments):
        pass


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    """One sentence, as everywhere."""
    texts = [COMMANDS[name].help.strip(), *(one.help for one in COMMANDS[name].params)]

    assert [text for text in texts if not text or not text.endswith(".")] == []
    assert [text for text in texts if not (text[0].isupper() or text[0].isdigit())] == []


@pytest.mark.parametrize("option", SHARED)
def test_an_option_of_several_commands_means_the_same_in_all(option: str) -> None:
    """Who knows one command knows the others."""
    texts = {one.help for name in COMMANDS for one in options(name) if option in one.opts}

    assert len(texts) == 1


def test_the_reference_has_every_command_and_no_path_of_a_machine() -> None:
    """With usage, defaults and examples; tests/project compares it with the document."""
    text = commands()

    for name in COMMANDS:
        assert f"### {name}\n" in text
        assert f"```\necsnap {name}" in text
    assert str(ROOT) not in text
    assert (
        "| `--fleet FILE` | The resources in the emulator. | `emulator/fleets/demo.yaml` |" in text
    )
    assert "```\necsnap plan [OPTIONS] [POLICY]\n```" in text
    assert "From `FC_ENDPOINT` if not given." in text


def _in_documents() -> list[tuple[str, str]]:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        (path.name, command)
        for path in documents
        for command in re.findall(r"`(?:python -m cli|ecsnap) (\w[^`]*)`", path.read_text("utf-8"))
    ]


@pytest.mark.parametrize(("document", "command"), _in_documents())
def test_a_command_that_a_document_names_can_be_typed(document: str, command: str) -> None:
    """With these options; a word in capitals stands for a value."""
    name, *arguments = shlex.split(command)

    assert name in COMMANDS, document
    # A command that is only named lacks its arguments.
    with COMMANDS[name].make_context(name, arguments, resilient_parsing=not arguments):
        pass


def test_the_readme_leads_to_it() -> None:
    """It is one of the documents."""
    assert "](docs/cli.md)" in Path(ROOT / "README.md").read_text(encoding="utf-8")
