"""
Where a service answers, as an operator may say it: https, or a local cloud on loopback.

Requests carry credentials, so anything else is a problem and nothing is sent there.
"""

from __future__ import annotations

import re

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
