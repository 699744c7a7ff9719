"""On which Python a package is tried here: the functions' own, or the one that runs the tests."""

from __future__ import annotations

import platform
import sys

from cli.package import target_version, version_to_try
from emulator import Cloud


def obstacle() -> str:
    """Say why no package can run on this machine; empty if one can."""
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        return ""
    return "what ships is for Linux on x86_64, and this machine is another"


def let_run_packages(cloud: Cloud) -> None:
    """Let functions run on the Python that packages are built for here, whatever their runtime."""
    for region in cloud.regions:
        cloud.fc(region).settings.own_python = version_to_try() != target_version()
