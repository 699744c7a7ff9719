"""Security Token Service: who is calling, and keys of roles."""

from emulator.sts.service import StsService

__all__ = ["StsService"]
