"""One region's ECS for one invocation. Never decides what is called."""

from __future__ import annotations

from shared.clients.ecs import Ecs
from shared.clients.ecs_listings import Inventory
from shared.clients.pacing import Pacer
from shared.errors import NO_VALUE, InvalidSettingsError, Problem
from shared.policies.policy import Limits
from shared.runtime.context import Runtime
from shared.runtime.settings import is_loopback


class RegionContext:
    """ECS in one region, for all runs of one invocation; they share its call rate."""

    def __init__(self, region: str, runtime: Runtime, limits: Limits) -> None:
        """
        Prepare; nothing is called yet.

        Raises:
            InvalidSettingsError: ECS_ENDPOINT names an emulator for other regions only.

        """
        others = runtime.ecs_endpoints.values()
        if region not in runtime.ecs_endpoints and any(map(is_loopback, others)):
            rule = f"must name {region} too, because the others are on an emulator"
            raise InvalidSettingsError([Problem("ECS_ENDPOINT", NO_VALUE, rule)])
        self.pacer = Pacer(
            clock=runtime.clock,
            deadline=runtime.deadline,
            calls_per_minute=limits.max_calls_per_minute,
            max_in_flight=limits.max_in_flight,
        )
        self.ecs = Ecs(
            region,
            runtime.credentials,
            endpoint=runtime.ecs_endpoints.get(region),
            read_timeout_s=runtime.read_timeout_s,
            max_in_flight=limits.max_in_flight,
        )
        self.inventory = Inventory(self.ecs, self.pacer)
