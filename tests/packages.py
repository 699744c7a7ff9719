"""On which Python a package is tried here: the functions' own, or the one that runs the tests."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from cli.deployment.model import PLACEHOLDER
from cli.deployment.project import read_project, write_templates
from cli.package import target_version, version_to_try
from emulator import Cloud
from shared.runtime.python_check import FILE


def obstacle() -> str:
    """Return why no package can run on this machine; empty if one can."""
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        return ""
    return "what ships is for Linux on x86_64, and this machine is another"


def let_run_packages(cloud: Cloud) -> None:
    """Let functions run on the Python that packages are built for here, whatever their runtime."""
    for region in cloud.regions:
        cloud.fc(region).settings.own_python = version_to_try() != target_version()


UNCHECKED, TIMED = b"\x01\0\0\0", b"\0\0\0\0"
"""The flags of bytecode that is valid wherever it is unpacked, and of what pip makes (PEP 552)."""


def pretend_built(
    root: Path, functions: Iterable[str], *, version: str, flags: bytes = UNCHECKED
) -> None:
    """Put there what `make package` would build, of one file each, in no time."""
    for function in functions:
        folder = root / "build" / function
        (folder / "__pycache__").mkdir(parents=True)
        (folder / "index.py").write_text("def handler(event, context):\n    return {}\n")
        bytecode = folder / "__pycache__" / f"index.cpython-{version.replace('.', '')}.pyc"
        bytecode.write_bytes(b"\0\0\r\n" + flags + bytes(8))
        (folder / FILE).write_text(f"{version}\n")


def of_an_account(project: Path) -> None:
    """Give the project an account, as `setup` does; no account is the placeholder."""
    edit_deployment(project, PLACEHOLDER, "1000000000000001")


def edit_deployment(project: Path, old: str, new: str) -> None:
    """Change `deployment.yaml`, and write the templates that follow from it."""
    path = project / "deployment.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    write_templates(read_project(project / "policies.yaml"))
