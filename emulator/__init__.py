"""The local cloud: ECS, SLS, FC and EventBridge as the services answer, to test and to try."""

from emulator.clock import ManualClock
from emulator.cloud import Cloud
from emulator.faults import Fault
from emulator.knobs import Knobs
from emulator.server import serve
from emulator.stub import stub

__all__ = ["Cloud", "Fault", "Knobs", "ManualClock", "serve", "stub"]
