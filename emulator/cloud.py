"""
One local cloud: an ECS and an FC for each region, one SLS, one event bus, one account.

Holds them together and opens no socket; a door (`server.serve`, `stub.stub`)
lets requests in.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.call_log import CallLog
from emulator.clock import Clock, SystemClock
from emulator.credentials import AccessKey, AccessKeys
from emulator.ecs import EcsService
from emulator.ecs.settings import EcsSettings
from emulator.eventbridge.bus import EventBridge
from emulator.faults import Faults
from emulator.fc import FcService
from emulator.ids import Ids
from emulator.oss import OssService
from emulator.ram import Ram
from emulator.scheduler import Spawn, advance_to
from emulator.sls import SlsService

DEFAULT_REGION = "cn-hangzhou"
_REGION_ID = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")


class UnknownRegionError(LookupError):
    """The cloud has no such region; the message names those that it has."""


@dataclass(slots=True, kw_only=True)
class _Parts:
    """What all services of one cloud share."""

    account_id: str
    clock: Clock
    ecs_settings: EcsSettings
    ids: Ids
    keys: AccessKeys = field(default_factory=AccessKeys)
    ram: Ram = field(default_factory=Ram)
    faults: Faults = field(default_factory=Faults)
    calls: CallLog = field(default_factory=CallLog)


class Cloud:
    """
    A complete local cloud; safe to share between threads.

    `regions=None` is every region: each comes to life when it is first asked
    for. `access_key=None` makes one from the seed, so two clouds of one seed
    know the same key.
    """

    def __init__(
        self,
        *,
        regions: Sequence[str] | None = (DEFAULT_REGION,),
        account_id: str = "1234567890123456",
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
        self._parts = _Parts(
            account_id=account_id,
            clock=clock or SystemClock(),
            ecs_settings=ecs_settings or EcsSettings(),
            ids=Ids(seed),
        )
        self._seed = seed
        self._temporary_count = 0
        self._any_region = regions is None
        self._lock = threading.Lock()
        self._ecs = {region_id: self._new_ecs(region_id) for region_id in regions or ()}
        self._fc: dict[str, FcService] = {}
        self.access_key = self.keys.add(access_key or _access_key(f"{seed}/permanent"))
        self.sls = SlsService(
            account_id=account_id,
            clock=self.clock,
            keys=self.keys,
            ram=self.ram,
            faults=self.faults,
            ids=self._parts.ids,
            calls=self.calls,
        )
        self.oss = OssService(
            account_id=account_id,
            clock=self.clock,
            keys=self.keys,
            ram=self.ram,
            faults=self.faults,
            ids=self._parts.ids,
            calls=self.calls,
        )
        self.eventbridge = EventBridge(
            ids=self._parts.ids, regions=lambda: [(self.ecs(r), self.fc(r)) for r in self.regions]
        )

    @property
    def account_id(self) -> str:
        """The account that owns everything here."""
        return self._parts.account_id

    @property
    def clock(self) -> Clock:
        """The clock that all services live by."""
        return self._parts.clock

    @property
    def ecs_settings(self) -> EcsSettings:
        """What the real service leaves undocumented; change it at any time."""
        return self._parts.ecs_settings

    @property
    def keys(self) -> AccessKeys:
        """Every access key that is known here."""
        return self._parts.keys

    @property
    def ram(self) -> Ram:
        """Its roles, and what was decided over their calls."""
        return self._parts.ram

    @property
    def faults(self) -> Faults:
        """What is going to go wrong."""
        return self._parts.faults

    @property
    def calls(self) -> CallLog:
        """What was asked so far, of every service."""
        return self._parts.calls

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
        return self._new_key(expires_at, role=name)

    def fc(self, region_id: str | None = None) -> FcService:
        """Return the FC of a region, as `ecs` does."""
        wanted = self.ecs(region_id).region_id
        with self._lock:
            if wanted not in self._fc:
                self._fc[wanted] = self._new_fc(wanted)
            return self._fc[wanted]

    def tick(self, spawn: Spawn = lambda work: work()) -> None:
        """
        Do what is due by now: tell of what happened, fire timers, carry out what waits.

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
        return self._new_key(expires_at, role=None)

    def _new_key(self, expires_at: datetime | None, *, role: str | None) -> AccessKey:
        with self._lock:
            self._temporary_count += 1
            label = f"{self._seed}/temporary/{self._temporary_count}"
        return self.keys.add(
            AccessKey(
                access_key_id=f"STS.{_letters(label, 'id')[:24]}",
                access_key_secret=_letters(label, "secret")[:44],
                security_token=f"CAIS{_letters(label, 'token')}",
                expires_at=expires_at,
                role=role,
            )
        )

    def _known(self) -> str:
        if self._any_region:
            return "every region with a name such as cn-hangzhou"
        return ", ".join(self._ecs)

    def _key_of(self, role: str, lasts_s: float) -> AccessKey:
        """Return what a function with that role signs with; without a role, nothing."""
        if not role:
            return AccessKey(access_key_id="", access_key_secret="")
        expires_at = self.clock.now() + timedelta(seconds=lasts_s)
        name = role.rpartition("role/")[2]
        # A role that nobody made here has no policies to be bound by.
        known = self.ram.has_role(name)
        return self.assume_role(name, expires_at) if known else self.temporary_key(expires_at)

    def _upload_key(self, bucket: str, lasts_s: float) -> AccessKey:
        """Return a key that may put objects under the account's id, and do nothing else."""
        allowed = {
            "Effect": "Allow",
            "Action": "oss:PutObject",
            "Resource": f"acs:oss:*:*:{bucket}/{self.account_id}/*",
        }
        role = f"uploads-to-{bucket}"
        self.add_role(role, [{"Version": "1", "Statement": [allowed]}])
        return self.assume_role(role, self.clock.now() + timedelta(seconds=lasts_s))

    def _new_fc(self, region_id: str) -> FcService:
        parts = self._parts
        return FcService(
            region_id=region_id,
            account_id=parts.account_id,
            clock=parts.clock,
            keys=parts.keys,
            ram=parts.ram,
            faults=parts.faults,
            ids=parts.ids,
            calls=parts.calls,
            sls=self.sls,
            oss=self.oss,
            key_of=self._key_of,
            upload_key=self._upload_key,
        )

    def _new_ecs(self, region_id: str) -> EcsService:
        parts = self._parts
        return EcsService(
            region_id=region_id,
            account_id=parts.account_id,
            clock=parts.clock,
            keys=parts.keys,
            ram=parts.ram,
            faults=parts.faults,
            ecs_settings=parts.ecs_settings,
            ids=parts.ids,
            calls=parts.calls,
            region_ids=lambda: self.regions,
        )


def _access_key(label: str) -> AccessKey:
    return AccessKey(
        access_key_id=f"LTAI5t{_letters(label, 'id')[:18]}",
        access_key_secret=_letters(label, "secret")[:30],
    )


def _letters(label: str, kind: str) -> str:
    """Return 64 letters and digits, the same for the same arguments."""
    return hashlib.sha256(f"{label}/{kind}".encode()).hexdigest()
