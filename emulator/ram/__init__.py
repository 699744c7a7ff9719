"""Resource Access Management: roles and policies, what they decide, and their API."""

from emulator.ram.policies import Need, PolicyError
from emulator.ram.roles import Decision, Ram

__all__ = ["Decision", "Need", "PolicyError", "Ram"]
