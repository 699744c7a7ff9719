"""
The reference of the commands for docs/cli.md, from their own help.

Never changes a document: `reference_tables` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from typer.core import TyperOption
from typer.main import get_command

from cli.app import app
from cli.markdown import table
from cli.paths import ROOT

COMMANDS: Mapping[str, Any] = get_command(app).commands  # type: ignore[attr-defined] # a group
"""By name; Typer's classes of a command and its parameters have no public types."""


def examples_of(command: str) -> list[str]:
    """Return the examples at the end of a command's help."""
    text = str(COMMANDS[command].epilog).removeprefix("Examples: ").removeprefix("Example: ")
    return text.split("; ")


def commands() -> str:
    """Return a section for each command: usage, arguments, options, defaults, examples."""
    return "\n".join("".join(_section(name)) for name in COMMANDS)


def _section(name: str) -> Iterator[str]:
    command = COMMANDS[name]
    arguments = [one for one in command.params if not isinstance(one, TyperOption)]
    options = [one for one in command.params if isinstance(one, TyperOption)]
    usage = ["ecsnap", name, "[OPTIONS]", *map(_argument, arguments)]
    yield f"### {name}\n\n{_plain(command.help)}\n\n"
    yield f"```\n{' '.join(usage)}\n```\n\n"
    rows = [(f"`{_argument(one)}`", _plain(one.help), _default(one)) for one in arguments]
    rows += [(f"`{_option(one)}`", _meaning(one), _default(one)) for one in options]
    if rows:
        yield f"{table(('argument or option', 'meaning', 'default'), rows)}\n"
    yield f"```\n{chr(10).join(examples_of(name))}\n```\n"


def _argument(parameter: Any) -> str:  # noqa: ANN401 - see COMMANDS
    name = parameter.metavar or parameter.name.upper()
    many = "..." if parameter.nargs == -1 else ""
    return f"{name if parameter.required else f'[{name}]'}{many}"


def _option(parameter: Any) -> str:  # noqa: ANN401 - see COMMANDS
    name = ", ".join(parameter.opts)
    if parameter.is_flag:
        return name
    is_path = parameter.type_descriptor.annotation is Path
    return f"{name} {parameter.metavar or ('FILE' if is_path else 'TEXT')}"


def _meaning(parameter: Any) -> str:  # noqa: ANN401 - see COMMANDS
    is_said = "several times" in parameter.help
    many = " May be given several times." if parameter.multiple and not is_said else ""
    variable = f" From `{parameter.envvar}` if not given." if parameter.envvar else ""
    return f"{_plain(parameter.help)}{many}{variable}"


def _default(parameter: Any) -> str:  # noqa: ANN401 - see COMMANDS
    value = parameter.default
    if isinstance(value, Path):
        value = value.relative_to(ROOT)
    return f"`{value}`" if value and value is not True else ""


def _plain(text: str) -> str:
    """Return a text of the help on one line."""
    return re.sub(r"\s+", " ", text.strip()).replace("|", "\\|")


COMMAND_TABLES: Mapping[str, Callable[[], str]] = {"commands": commands}
