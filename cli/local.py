"""
`--local`: the emulator of `ecsnap emulator` in place of the account, in the environment variables.

The running emulator writes its variables into a file of the user. Never starts an emulator.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cli.console import print_line, stderr_console

Local = Annotated[
    bool, typer.Option("--local", help="Use the emulator that `ecsnap emulator` runs.")
]
"""The option of every command that talks to an account."""

NOT_RUNNING = "--local: no emulator is running; start it with `ecsnap emulator`"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_LONGEST_S = 2.0


class NotRunningError(Exception):
    """No emulator is running."""


def environment(*, local: bool) -> Mapping[str, str]:
    """
    Return the environment variables that a command goes by.

    With `local` every address and key of an account is replaced by the emulator's. The proxies of
    this process are then switched off, because they could not reach it.

    Args:
        local: Whether `--local` was given.

    Raises:
        typer.Exit: No emulator is running; a message was printed.

    """
    if not local:
        return os.environ
    try:
        variables = running()
    except NotRunningError as exc:
        print_line(stderr_console(), str(exc), "red")
        raise typer.Exit(1) from exc
    from cli.account.access import ENDPOINTS, KEY, SECRET, TOKEN  # noqa: PLC0415 - see cli.operate

    for name in {*_PROXIES, *map(str.upper, _PROXIES)} & os.environ.keys():
        del os.environ[name]
    of_account = {KEY, SECRET, TOKEN, *(f"{service}_ENDPOINT" for service in (*ENDPOINTS, "ECS"))}
    others = {name: value for name, value in os.environ.items() if name not in of_account}
    return {**others, **variables}


def running() -> Mapping[str, str]:
    """
    Return the variables of the emulator that is running.

    Raises:
        NotRunningError: There is none, or it no longer answers.

    """
    try:
        variables: dict[str, str] = json.loads(ready_file().read_text(encoding="utf-8"))
        sls = urlsplit(variables["SLS_ENDPOINT"])
        with socket.create_connection((sls.hostname or "", sls.port or 0), _LONGEST_S):
            return variables
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise NotRunningError(NOT_RUNNING) from exc


def ready_file() -> Path:
    """Return the file with the variables of the user's emulator."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ecsnap" / "emulator.json"


def write_ready_file(variables: Mapping[str, str]) -> None:
    """Write the variables, readable by their owner only; raises OSError."""
    path = ready_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(variables), file, indent=2)
    part.replace(path)


def remove_ready_file(variables: Mapping[str, str]) -> None:
    """Remove the file, unless another emulator has written it since."""
    with suppress(OSError, ValueError):
        if json.loads(ready_file().read_text(encoding="utf-8")) == dict(variables):
            ready_file().unlink()
