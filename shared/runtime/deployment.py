"""
The deployment and the version of this code, which every record contains.

A package contains both in a small file next to `index.py`, so that they are known even if the
policy file is invalid. A checkout has no such file: there they are read from the texts of the
policy file and of `pyproject.toml`. Never raises, and never guesses: uncertain values are empty.
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
    """A deployment and a version; empty if not known."""

    deployment: str = ""
    version: str = ""


def identity_of(policies: Path, root: Path = ROOT) -> Identity:
    """
    Return the identity of this code.

    Args:
        policies: The policy file in use; if it is not the packaged one, its deployment is
            preferred.
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
    """Return the content of `FILE`."""
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
    Return the deployment in the text of a policy file; empty if it is not certain.

    The text may be invalid, and may be YAML, for which a package has no parser. The key counts
    if it begins in the first column or follows a brace there, or if it occurs only once.
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
    """Return the version in the text of `pyproject.toml`; empty if it contains none."""
    found = _VERSION.search(text)
    return found[1] if found else ""


_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
# A name at the end of the text may have been cut off, so it does not count.
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
