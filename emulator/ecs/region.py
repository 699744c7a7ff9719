"""
One region of one account, as its operations see it: what there is, and how it behaves.

Never reads or writes the wire; `operations` do that, and `service` calls them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from emulator.account import Account
from emulator.clock import Clock
from emulator.ecs.errors import no_such_region
from emulator.ecs.settings import EcsSettings
from emulator.ecs.state import State
from emulator.ecs.tokens import Tokens
from emulator.ids import Ids


class Region:
    """What an operation needs; its state is touched only under `lock`."""

    def __init__(
        self,
        account: Account,
        region_id: str,
        ecs_settings: EcsSettings,
        region_ids: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self.account = account
        self.region_id = region_id
        self.ecs_settings = ecs_settings
        self.region_ids = region_ids or (lambda: (region_id,))
        """The regions of the emulator, this one among them."""
        self.state = State(account.clock)
        self.tokens = Tokens()
        self.lock = threading.RLock()
        self.snapshot_service_open = True
        """False: CreateSnapshot answers InvalidAccountStatus.SnapshotServiceUnavailable."""
        self.balance_ok = True
        """False: CreateSnapshot answers InvalidAccountStatus.NotEnoughBalance."""
        self.instant_access_supported = True
        """False: a region that has no instant access."""
        self.before_create: Callable[[Mapping[str, str]], None] | None = None
        """
        Called with a CreateSnapshot's parameters while its token is in process and nothing
        has happened yet; no lock is held, so it may send requests of its own.
        """

    @property
    def clock(self) -> Clock:
        """The account's clock."""
        return self.account.clock

    @property
    def ids(self) -> Ids:
        """The account's source of ids."""
        return self.account.ids

    def check_region_id(self, params: Mapping[str, str]) -> None:
        """Reject a RegionId that is not this endpoint's."""
        asked = params.get("RegionId", self.region_id)
        if asked != self.region_id:
            raise no_such_region(asked, self.region_id)
