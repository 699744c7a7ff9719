"""
The options of `ecsnap request` that Typer has no type for: tags, and a time that may be left out.

Loads no SDK, so that `--help` is quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

WAIT, DEFAULT_WAIT = "--wait", "30m"


class RequestCommand(TyperCommand):
    """The command; `--wait` may stand without a time."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - not exported
        """Parse the arguments, with `DEFAULT_WAIT` where `--wait` has no time."""
        return super().parse_args(ctx, list(_with_times(args)))


def _with_times(args: Sequence[str]) -> Iterator[str]:
    for arg, following in zip(args, [*args, "-"][1:], strict=True):
        yield f"{WAIT}={DEFAULT_WAIT}" if arg == WAIT and following.startswith("-") else arg


def tags_of(given: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """
    Return tags such as ``env=prod`` by key; several values of one key are alternatives.

    Raises:
        typer.BadParameter: One of them has no key, or no equals sign.

    """
    tags: dict[str, list[str]] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            rule = "must be KEY=VALUE, such as env=prod, or 'env=*' for any value"
            raise typer.BadParameter(f"'{text}': {rule}", param_hint="--tag")
        tags.setdefault(key, []).append(value)
    return tags
