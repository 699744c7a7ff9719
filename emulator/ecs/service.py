"""
The ECS endpoint of one region.

How a request is checked is in `emulator.rpc`; what an operation does is in the module of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from emulator.account import Account
from emulator.ecs.fixtures import Fixtures
from emulator.ecs.operations import OPERATIONS, VERSION
from emulator.ecs.settings import EcsSettings
from emulator.ecs.tags import current_name
from emulator.ecs.throttling import Throttle
from emulator.faults import Fault
from emulator.rpc import RpcService
from emulator.service import Exchange
from emulator.wire import Response


class EcsService(RpcService, Fixtures):
    """One region's ECS; safe to share between threads."""

    NAME = "ecs"
    VERSION = VERSION
    OPERATIONS = OPERATIONS

    def __init__(
        self,
        account: Account,
        region_id: str,
        ecs_settings: EcsSettings,
        region_ids: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        RpcService.__init__(self, account, region_id)
        Fixtures.__init__(self, account, region_id, ecs_settings, region_ids)
        self._throttle = Throttle(ecs_settings)

    def _current_name(self, action: str, name: str) -> str:
        return current_name(action, name)

    def _check_quota(self, action: str) -> None:
        self._throttle.check(action, self.clock.now())

    def _slowly(self, fault: Fault, effect: Callable[[], Response], exchange: Exchange) -> Response:
        """Keep the token in process until the answer is out, by the emulator's clock."""
        response = effect()
        until = self.clock.now() + timedelta(seconds=fault.delay_s)
        with self.lock:
            self.tokens.hold(exchange.params.get("ClientToken", ""), until)
        return response
