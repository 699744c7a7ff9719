"""The emulator: ECS, SLS, FC and EventBridge as the services answer, to test and to try."""

from emulator.clock import ManualClock
from emulator.cloud import Cloud
from emulator.ecs.settings import EcsSettings
from emulator.faults import Fault
from emulator.server import serve
from emulator.stub import stub

__all__ = ["Cloud", "EcsSettings", "Fault", "ManualClock", "serve", "stub"]
