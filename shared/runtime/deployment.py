"""
Which deployment this code belongs to, and its version: in every record.

A package holds both in a small file beside `index.py`, so that they are known where the policy
file is broken. A checkout has no such file: there they are looked for in the texts of the policy
file and of `pyproject.toml`. Never raises, and never guesses: what is not certain is empty.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

FILE = "identity.json"
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose code it is; empty is not known."""

    deployment: str = ""
    version: str = ""


def identity_of(policies: Path, root: Path = ROOT) -> Identity:
    """
    Return whose code this is.

    Args:
        policies: The policy file that is in force; one that is not the package's own has the
            first word about the deployment.
        root: The code folder, or the checkout.

    """
    packaged = _packaged(root)
    if packaged.deployment and policies.parent == root:
        return packaged
    return Identity(
        deployment=deployment_in(_text(policies)) or packaged.deployment,
        version=packaged.version or version_in(_text(root / "pyproject.toml")),
    )


def file_of(identity: Identity) -> str:
    """Return what the package step writes into `FILE`."""
    about = {"deployment": identity.deployment, "version": identity.version}
    return json.dumps(about, indent=1) + "\n"


def _packaged(root: Path) -> Identity:
    value = _object(_text(root / FILE))
    deployment, version = value.get("deployment"), value.get("version")
    return Identity(
        deployment=deployment if isinstance(deployment, str) else "",
        version=version if isinstance(version, str) else "",
    )


def deployment_in(text: str) -> str:
    """
    Return the deployment that the text of a policy file names; empty if that is not certain.

    The text may be broken, and be YAML, which nothing that ships can read. A key in the first
    column counts, or after a brace in the first; else the only one anywhere.
    """
    whole = _object(text).get("deployment")
    if isinstance(whole, str):
        return whole if _NAME.fullmatch(whole) else ""
    found = _AT_THE_TOP.findall(text)
    if not found and len(_MENTIONED.findall(text)) == 1:
        found = _ANYWHERE.findall(text)
    names = {name for _, name in found}
    return names.pop() if len(names) == 1 else ""


def version_in(text: str) -> str:
    """Return the version that the text of `pyproject.toml` names; empty if it names none."""
    found = _VERSION.search(text)
    return found[1] if found else ""


_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
# A name at the very end may have been cut.
_KEY = (
    r"""["']?deployment["']?[ \t]*:[ \t]*(?P<quote>["']?)"""
    rf"""({_NAME.pattern})(?P=quote)(?=[ \t]*[,}}#\r\n])"""
)
_AT_THE_TOP = re.compile(rf"^(?:\{{\s*)?{_KEY}", re.MULTILINE)
_ANYWHERE = re.compile(rf"(?<![\w-]){_KEY}")
_MENTIONED = re.compile(r"(?<![\w-])deployment\b")
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
