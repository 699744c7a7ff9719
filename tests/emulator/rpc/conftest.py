"""What RPC services share is tested at ECS, with the real SDK; `test_service` has a second one."""

from tests.emulator.ecs.conftest import bench

__all__ = ["bench"]
