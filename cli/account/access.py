"""
How to reach the account: the credentials and the services' addresses, from the environment.

Checked before any call. Never prints a secret.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.runtime.context import Credentials
from shared.runtime.settings import address_of, is_loopback

KEY, SECRET, TOKEN = (
    f"ALIBABA_CLOUD_{name}" for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
)
ENDPOINTS = ("FC", "RAM", "SLS", "SMQ", "STS")
"""Services whose address `NAME_ENDPOINT` replaces."""
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 30


class AccessError(Exception):
    """The environment cannot be used; the message names every problem, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The caller's credentials, and where the services are."""

    credentials: Credentials
    region: str
    endpoints: Mapping[str, str]
    """By a name of `ENDPOINTS` an address such as ``https://host``; others have their default."""
    sleep: Callable[[float], None] = time.sleep
    """Waits before a call is repeated."""


def access_of(
    env: Mapping[str, str],
    *,
    region: str,
    services: Sequence[str] = ENDPOINTS,
    policy: str = "docs/setup-policy.json",
) -> Access:
    """
    Return how to reach the account.

    Args:
        env: The environment variables.
        region: That of the functions.
        services: Names of `ENDPOINTS` that will be called.
        policy: The document with the permissions that are needed, for messages.

    Raises:
        AccessError: Credentials are missing, an address is invalid, or only some services are those
            of an emulator: the rest would be changed in a real account.

    """
    problems = [
        f"{name}: not set; set the key of a user with the permissions of {policy}"
        for name in (KEY, SECRET)
        if not env.get(name, "").strip()
    ]
    endpoints = {}
    for service in services:
        name = f"{service}_ENDPOINT"
        given = env.get(name, "").strip()
        address = address_of(given) if given else None
        if given and address is None:
            rule = "must be a host, https://HOST[:PORT], or http:// on loopback"
            problems.append(f"{name}: {rule}, because requests carry credentials")
        elif address:
            endpoints[service] = address
    if missing := _elsewhere(endpoints, services):
        problems.append(
            f"{', '.join(missing)}: not set, but other services are those of an emulator; set all "
            "or none, so that nothing is changed in a real account"
        )
    if problems:
        raise AccessError("\n".join(problems))
    return Access(
        credentials=Credentials(
            access_key_id=env[KEY].strip(),
            access_key_secret=env[SECRET].strip(),
            security_token=env.get(TOKEN, "").strip() or None,
        ),
        region=region,
        endpoints=endpoints,
    )


def _elsewhere(endpoints: Mapping[str, str], services: Sequence[str]) -> list[str]:
    """Return the variables that are missing where some services are those of an emulator."""
    local = {service for service, address in endpoints.items() if is_loopback(address)}
    return [f"{service}_ENDPOINT" for service in services if local and service not in local]
