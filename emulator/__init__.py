"""The local cloud: ECS and SLS as the services answer, for tests and for trying things out."""

from emulator.clock import ManualClock
from emulator.cloud import Cloud
from emulator.faults import Fault
from emulator.knobs import Knobs
from emulator.server import serve
from emulator.stub import stub

__all__ = ["Cloud", "Fault", "Knobs", "ManualClock", "serve", "stub"]
