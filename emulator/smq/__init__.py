"""Simple Message Queue (formerly MNS): queues, and what Function Compute puts into them."""

from emulator.smq.service import SmqService

__all__ = ["SmqService"]
