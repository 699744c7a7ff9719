"""
The id of the account in `deployment.yaml`: compared with the caller's, and written once.

Only this key's line is changed, so that comments and order stay.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from cli.deployment.model import PLACEHOLDER

_LINE = re.compile(r"^account_id:.*$", re.MULTILINE)
_REGION = re.compile(r"^region:.*$", re.MULTILINE)


class AccountError(Exception):
    """The credentials are those of another account than the file has."""


def checked(given: str, caller: str) -> bool:
    """
    Return whether the id still has to be written.

    Args:
        given: That of `deployment.yaml`, with its variables filled in.
        caller: That of the credentials.

    Raises:
        AccountError: They differ.

    """
    if given == PLACEHOLDER != caller:
        return True
    if given != caller:
        raise AccountError(
            f"account_id: '{given}': the credentials are those of account {caller}; use others, "
            "or correct deployment.yaml"
        )
    return False


def write_account_id(path: Path, account_id: str) -> None:
    """
    Write the id into a `deployment.yaml`, in place of the placeholder or after the region.

    Raises:
        AccountError: The file has neither at the beginning of a line, so it stays as it is.

    """
    before = path.read_text(encoding="utf-8")
    line = f'account_id: "{account_id}"'
    if _LINE.search(before):
        after = _LINE.sub(line, before, count=1)
    else:
        after = _REGION.sub(lambda found: f"{found[0]}\n{line}", before, count=1)
    if yaml.safe_load(after) != {**yaml.safe_load(before), "account_id": account_id}:
        raise AccountError(
            f"{path.name}: account_id: could not be written; set it to '{account_id}'"
        )
    path.write_text(after, encoding="utf-8", newline="\n")
