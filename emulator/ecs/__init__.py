"""
ECS as it answers: the 2014-05-26 RPC interface of one region.

`BEHAVIOUR.md` beside this file lists what each operation honours, what it rejects, and
where that was learnt.
"""

from emulator.ecs.service import EcsService
from emulator.ecs.state import Disk, Instance, Snapshot

__all__ = ["Disk", "EcsService", "Instance", "Snapshot"]
