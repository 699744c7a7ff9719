"""The command line of `python -m emulator`: what can be said, and nothing done yet."""

from __future__ import annotations

import argparse
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from emulator.fleet_rules import THROTTLING_STATUSES
from emulator.server import MAX_PORT

_ACCOUNT_ID = re.compile(r"[0-9]{16}")
_THROTTLING = re.compile(r"Throttling(\.\w+)*")


def parser() -> argparse.ArgumentParser:
    """Return the parser; it ends the process with status 2 for what it cannot read."""
    top = argparse.ArgumentParser(
        prog="python -m emulator",
        description="A local Alibaba Cloud: ECS, SLS, FC and OSS on loopback.",
    )
    serve = top.add_subparsers(required=True, metavar="serve").add_parser(
        "serve", help="answer on loopback until SIGTERM or SIGINT"
    )
    _add_place(serve)
    _add_account(serve)
    _add_ecs_settings(serve)
    return top


def _add_place(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--port",
        type=_port,
        default=0,
        help="the first region's ECS; further regions, SLS, the regions' FC and OSS take the next"
        " (default 0: any free ports)",
    )
    serve.add_argument(
        "--ready-file",
        type=Path,
        metavar="PATH",
        help="JSON for programs: written once every port answers, removed at the end",
    )
    serve.add_argument(
        "--fleet", type=Path, metavar="FILE", help="YAML: what there is to begin with"
    )
    serve.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="ID",
        help="one more region, besides the fleet's; may be repeated (without any: cn-hangzhou)",
    )
    serve.add_argument(
        "--own-python",
        action="store_true",
        help="run functions with this Python, whatever their runtime says",
    )
    serve.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same ids (default 0)"
    )


def _add_account(serve: argparse.ArgumentParser) -> None:
    account = serve.add_argument_group("account", "these win over the fleet's")
    account.add_argument("--account-id", type=_account_id, metavar="ID", help="16 digits")
    account.add_argument("--access-key-id", metavar="ID", help="(default: a new one)")
    account.add_argument("--access-key-secret", metavar="SECRET", help="(default: a new one)")
    account.add_argument("--sls-project", metavar="NAME", help="made at the start")
    account.add_argument("--sls-logstore", metavar="NAME", help="made at the start, with an index")


def _add_ecs_settings(serve: argparse.ArgumentParser) -> None:
    ecs_settings = serve.add_argument_group(
        "ECS settings", "these win over the fleet's; see emulator/README.md"
    )
    for name in ("token-memory", "listing-lag", "snapshot-duration", "throttling-phase"):
        ecs_settings.add_argument(
            f"--{name}",
            dest=f"{name.replace('-', '_')}_s",
            type=_seconds,
            metavar="SECONDS",
        )
    for name in (
        "tag-listing-cap",
        "manual-snapshot-quota",
        "max-calls-per-minute",
        "other-calls-per-minute",
    ):
        ecs_settings.add_argument(f"--{name}", type=_count, metavar="COUNT")
    ecs_settings.add_argument(
        "--create-snapshot-with-tags-needs-tag-resources",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether roles need ecs:TagResources for that too",
    )
    _add_throttling(ecs_settings)


def _add_throttling(ecs_settings: argparse._ArgumentGroup) -> None:
    ecs_settings.add_argument("--throttling-code", type=_throttling, metavar="CODE")
    ecs_settings.add_argument("--throttling-status", type=int, choices=THROTTLING_STATUSES)
    ecs_settings.add_argument(
        "--throttling-tells-retry-after",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether it says when to come back",
    )
    ecs_settings.add_argument(
        "--other-calls-from", type=_instant, metavar="INSTANT", help="such as 2026-03-01T08:00:00Z"
    )


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to {MAX_PORT}")


def _account_id(text: str) -> str:
    if _ACCOUNT_ID.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not 16 digits")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds < float("inf"):
        return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")


def _count(text: str) -> int:
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")


def _throttling(text: str) -> str:
    if _THROTTLING.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a code such as Throttling.User")


def _instant(text: str) -> datetime:
    with suppress(ValueError):
        # Python 3.10 reads no "Z".
        instant = datetime.fromisoformat(re.sub("Z$", "+00:00", text))
        if instant.tzinfo is not None:
            return instant
    raise argparse.ArgumentTypeError(f"{text!r} is not an instant with its zone")
