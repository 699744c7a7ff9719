"""
The ECS of an account, as the commands read it: its regions, its listings, paced as the functions'.

Never writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.account.access import KEY, SECRET, AccessError, access_of
from cli.deployment.project import Project, ProjectError, read_project
from cli.history.source import READER_POLICY, SourceError
from shared.clients.ecs import Ecs
from shared.clients.ecs_errors import EcsRejectedError, EcsUnknownError
from shared.clients.ecs_listings import Inventory
from shared.clients.ecs_types import Disk
from shared.clients.pacing import Pacer
from shared.coverage.fired import fired_policies, regions_of
from shared.errors import Problems
from shared.policies.selection import Select
from shared.runtime.clock import SYSTEM_CLOCK, Clock
from shared.runtime.context import Credentials
from shared.runtime.settings import is_loopback, settings_of

LONGEST_S = 3600.0
"""How long a command lists that does not wait for anything."""
READ_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the policies of a project are about."""

    project: Project
    credentials: Credentials
    endpoints: Mapping[str, str]
    """By region, where it is not the region's own host."""
    clock: Clock
    longest_s: float
    """How long all calls in a region may take together."""
    _inventories: dict[str, Inventory] = field(default_factory=dict)

    @property
    def home(self) -> str:
        """Return the region of the functions."""
        return self.project.deployment.region

    @property
    def regions(self) -> list[str]:
        """Return the regions that the policies are about, the functions' own first."""
        return regions_of(fired_policies(self.project.policies), self.home)

    def inventory(self, region: str) -> Inventory:
        """Return the listings of a region; all share its call rate."""
        if region not in self._inventories:
            limits = self.project.policies.limits
            ecs = Ecs(
                region,
                self.credentials,
                endpoint=self.endpoints.get(region),
                read_timeout_s=READ_TIMEOUT_S,
                max_in_flight=limits.max_in_flight,
            )
            pacer = Pacer(
                clock=self.clock,
                deadline=self.clock.monotonic() + self.longest_s,
                calls_per_minute=limits.max_calls_per_minute,
                max_in_flight=limits.max_in_flight,
            )
            self._inventories[region] = Inventory(ecs, pacer)
        return self._inventories[region]

    def disks(self, region: str) -> Iterator[Disk]:
        """Yield all disks of a region, one perhaps twice; raises EcsError, OutOfTimeError."""
        return self.inventory(region).disks(Select(all=True), None)


def unlisted(exc: Exception) -> str:
    """Return why a listing failed, and which setting has the host if no answer came."""
    if isinstance(exc, EcsUnknownError):
        return f"{exc}; check the network; ECS_ENDPOINT sets the host"
    if isinstance(exc, EcsRejectedError) and exc.code.startswith(KEY_CODES):
        # The message of a wrong signature contains all that was signed.
        return f"{exc.action}: {exc.code}: {KEY} or {SECRET} is wrong, or of another account"
    return str(exc)


KEY_CODES = ("SignatureDoesNotMatch", "IncompleteSignature", "InvalidAccessKeyId")
"""Beginnings of the codes with which a service rejects a key (common error codes)."""


def account_of(
    policies: Path,
    env: Mapping[str, str],
    *,
    clock: Clock = SYSTEM_CLOCK,
    longest_s: float = LONGEST_S,
) -> Account:
    """
    Return the ECS of the account whose key is in the environment.

    Args:
        policies: The policy file; `deployment.yaml` is in its folder.
        env: The environment variables.
        clock: Time and waiting.
        longest_s: How long all calls in a region may take together.

    Raises:
        SourceError: The files or the environment cannot be used.

    """
    messages = []
    try:
        project = read_project(policies)
    except ProjectError as exc:
        raise SourceError(str(exc)) from exc
    problems = Problems()
    endpoints = settings_of(
        {"ECS_ENDPOINT": env.get("ECS_ENDPOINT", "")},
        region=project.deployment.region,
        problems=problems,
    ).ecs_endpoints
    messages += [str(problem) for problem in problems if problem.path == "ECS_ENDPOINT"]
    account = None
    try:
        access = access_of(env, region=project.deployment.region, services=(), policy=READER_POLICY)
    except AccessError as exc:
        messages.append(str(exc))
    else:
        account = Account(
            project=project,
            credentials=access.credentials,
            endpoints=endpoints,
            clock=clock,
            longest_s=longest_s,
        )
        messages += _without_emulator(account)
    if messages or account is None:
        raise SourceError("\n".join(messages))
    return account


def _without_emulator(account: Account) -> list[str]:
    """Return what is wrong if only some regions are those of an emulator."""
    local = {
        region: is_loopback(account.endpoints[region])
        for region in account.regions
        if region in account.endpoints
    }
    if not any(local.values()) or all(local.get(region) for region in account.regions):
        return []
    missing = [region for region in account.regions if not local.get(region)]
    return [f"ECS_ENDPOINT: must name {', '.join(missing)} too, or no emulator at all"]
