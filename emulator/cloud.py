"""
One emulator: an ECS, an FC and an SMQ for each region, one SLS, one event bus, one account.

Opens no socket: `server.serve` and `stub.stub` pass requests on to it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

from emulator.account import ACCOUNT_ID, Account
from emulator.call_log import CallLog
from emulator.clock import Clock
from emulator.credentials import AccessKey, AccessKeys
from emulator.ecs import EcsService
from emulator.ecs.settings import EcsSettings
from emulator.eventbridge.bus import EventBridge
from emulator.faults import Faults
from emulator.fc import FcService
from emulator.oss import OssService
from emulator.ram import Ram
from emulator.ram.service import RamService
from emulator.scheduler import Spawn, advance_to
from emulator.sls import SlsService
from emulator.smq import SmqService
from emulator.sts import StsService

DEFAULT_REGION = "cn-hangzhou"
_REGION_ID = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")


class UnknownRegionError(LookupError):
    """The cloud has no such region; the message names those that it has."""


class Cloud:
    """
    A complete emulator; safe to share between threads.

    `regions=None` is every region: each comes to life when it is first asked
    for. `access_key=None` makes one from the seed, so two clouds of one seed
    know the same key.
    """

    def __init__(
        self,
        *,
        regions: Sequence[str] | None = (DEFAULT_REGION,),
        account_id: str = ACCOUNT_ID,
        clock: Clock | None = None,
        ecs_settings: EcsSettings | None = None,
        seed: int = 0,
        access_key: AccessKey | None = None,
    ) -> None:
        if regions is not None and not regions:
            raise ValueError("regions is empty: name at least one, or None for every region")
        for region_id in regions or ():
            if not _REGION_ID.fullmatch(region_id):
                raise ValueError(f"{region_id!r} is no region's id: they look like cn-hangzhou")
        self.account = Account(account_id, clock=clock, seed=seed)
        self.ecs_settings = ecs_settings or EcsSettings()
        """What the real ECS leaves undocumented; may be changed at any time."""
        self.access_key = self.keys.add(access_key or self.account.permanent_key())
        self.sls = SlsService(self.account)
        self.oss = OssService(self.account)
        self.ram_api = RamService(self.account)
        self.sts = StsService(self.account)
        self._any_region = regions is None
        self._lock = threading.Lock()
        self._ecs = {region_id: self._new_ecs(region_id) for region_id in regions or ()}
        self._fc: dict[str, FcService] = {}
        self._smq: dict[str, SmqService] = {}
        self.eventbridge = EventBridge(
            ids=self.account.ids, regions=lambda: [(self.ecs(r), self.fc(r)) for r in self.regions]
        )

    @property
    def account_id(self) -> str:
        """The account that owns everything here."""
        return self.account.account_id

    @property
    def clock(self) -> Clock:
        """The clock that all services live by."""
        return self.account.clock

    @property
    def keys(self) -> AccessKeys:
        """Every access key that is known here."""
        return self.account.keys

    @property
    def ram(self) -> Ram:
        """Its roles, and what was decided over their calls."""
        return self.account.ram

    @property
    def faults(self) -> Faults:
        """What is going to go wrong."""
        return self.account.faults

    @property
    def calls(self) -> CallLog:
        """What was asked so far, of every service."""
        return self.account.calls

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions there are, in the order they were named; so far, where any may be."""
        with self._lock:
            return tuple(self._ecs)

    def ecs(self, region_id: str | None = None) -> EcsService:
        """
        Return the ECS of a region; None is the first one.

        Raises:
            UnknownRegionError: The cloud was made without that region.

        """
        with self._lock:
            wanted = region_id or next(iter(self._ecs), DEFAULT_REGION)
            found = self._ecs.get(wanted)
            if found is None and self._any_region and _REGION_ID.fullmatch(wanted):
                found = self._ecs[wanted] = self._new_ecs(wanted)
            if found is None:
                raise UnknownRegionError(f"no region {wanted!r} here: there is {self._known()}")
        return found

    def add_role(self, name: str, policy_documents: Iterable[object]) -> None:
        """
        Make a role with policies, as parsed from JSON; the same name again replaces them.

        Raises:
            PolicyError: A document cannot be used.

        """
        self.ram.add_role(name, policy_documents)

    def assume_role(self, name: str, expires_at: datetime | None = None) -> AccessKey:
        """Return a new STS key that a role's policies bind; raises UnknownRoleError."""
        self.ram.check_role(name)
        return self.account.temporary_key(expires_at, role=name)

    def fc(self, region_id: str | None = None) -> FcService:
        """Return the FC of a region, as `ecs` does."""
        wanted = self.ecs(region_id).region_id
        with self._lock:
            if wanted not in self._fc:
                self._fc[wanted] = FcService(
                    self.account, wanted, sls=self.sls, oss=self.oss, smq=self._new_smq(wanted)
                )
            return self._fc[wanted]

    def smq(self, region_id: str | None = None) -> SmqService:
        """Return the queues of a region, as `ecs` does."""
        wanted = self.ecs(region_id).region_id
        with self._lock:
            return self._new_smq(wanted)

    def tick(self, spawn: Spawn = lambda work: work()) -> None:
        """
        Do what is due by now: send events, fire timers, carry out what waits.

        `spawn` gets each invocation of a function; by default it is carried out at once.
        """
        busy = True
        while busy:
            busy = self.eventbridge.collect()
            for region_id in self.regions:
                busy = self.fc(region_id).tick(spawn) or busy

    def run_until(self, at: datetime) -> None:
        """
        Let time pass up to an instant, and do everything at its own time.

        Raises:
            TypeError: The cloud's clock cannot be moved.

        """
        self.tick()
        while (due := self.next_due()) is not None and due <= at:
            advance_to(self.clock, due)
            self.tick()
        advance_to(self.clock, at)
        self.tick()

    def next_due(self) -> datetime | None:
        """Return when something happens by itself; None is never, as things are."""
        due = [self.eventbridge.next_due()]
        due += [self.fc(region_id).next_due() for region_id in self.regions]
        return min(filter(None, due), default=None)

    def close(self) -> None:
        """End the processes of functions; the cloud may go on, and starts new ones."""
        with self._lock:
            services = list(self._fc.values())
        for fc in services:
            fc.close()

    def temporary_key(self, expires_at: datetime | None = None) -> AccessKey:
        """Return a new STS key of the account itself; None is: never expires."""
        return self.account.temporary_key(expires_at)

    def _known(self) -> str:
        if self._any_region:
            return "every region with a name such as cn-hangzhou"
        return ", ".join(self._ecs)

    def _new_smq(self, region_id: str) -> SmqService:
        return self._smq.setdefault(region_id, SmqService(self.account, region_id))

    def _new_ecs(self, region_id: str) -> EcsService:
        return EcsService(self.account, region_id, self.ecs_settings, lambda: self.regions)
