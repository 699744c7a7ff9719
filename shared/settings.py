"""
What an operator may set: environment variables, each checked and read.

Adds what is wrong to the problems, under the variable's name; never raises, never acts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast, get_args

from shared.validation import Problems, check_region

_ENDPOINT = re.compile(
    r"https://[0-9A-Za-z.-]+(?::\d+)?/?|http://(?:127\.\d+\.\d+\.\d+|localhost)(?::\d+)?/?"
)


def check_endpoint(address: str, name: str, problems: Problems) -> None:
    """Add a problem under a variable's name unless credentials may be sent to the address."""
    if not _ENDPOINT.fullmatch(address):
        problems.add(
            name, address, "must be https://…, or http:// on loopback: requests carry credentials"
        )


def endpoint(value: str, name: str, problems: Problems) -> str | None:
    """Return a variable's address; None where it is not set: the region's own, https."""
    if value:
        check_endpoint(value, name, problems)
    return value or None


def endpoints_by_region(
    value: str, name: str, *, region: str, problems: Problems
) -> dict[str, str]:
    """
    Read ``http://…`` or ``region=http://…,region=http://…``.

    Args:
        value: The variable's value; empty is none at all.
        name: The variable's name, for problems.
        region: Whose address one without a region is.
        problems: Takes what is wrong.

    """
    endpoints: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        of, found, address = part.rpartition("=")
        of = of if found else region
        endpoints[of] = address
        check_region(of, name, problems)
        check_endpoint(address, name, problems)
    return endpoints


LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def log_level(env: Mapping[str, str], problems: Problems) -> str:
    """Return the least that libraries may log: a name of Python's, ``WARNING`` by default."""
    level = env.get("LOG_LEVEL") or "WARNING"
    if level not in LOG_LEVELS:
        problems.add("LOG_LEVEL", level, f"must be one of {', '.join(LOG_LEVELS)}")
    return level


FcApi = Literal["2.0", "3.0"]
_FC_API = ("FC_API", "SNAPSHOTS_FC_API")
"""Function Compute takes no variable of a function's own that begins with ``FC_``."""


def fc_api_of(env: Mapping[str, str], problems: Problems) -> FcApi | None:
    """Return which API starts functions; None is not set: nothing can be handed over."""
    name = next((name for name in _FC_API if env.get(name)), None)
    for api in get_args(FcApi):
        if name and env[name] == api:
            return cast("FcApi", api)
    if name:
        problems.add(name, env[name], f"must be one of {', '.join(get_args(FcApi))}")
    return None


_CODE_ROOT = Path(__file__).parent.parent


def policies_path(env: Mapping[str, str]) -> Path:
    """Return where the policies are: as packaged, or as they are edited."""
    if env.get("POLICIES_FILE"):
        return Path(env["POLICIES_FILE"])
    packaged = _CODE_ROOT / "policies.json"
    return packaged if packaged.exists() else _CODE_ROOT / "policies.yaml"
