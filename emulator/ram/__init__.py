"""Resource Access Management, as far as a role's policies decide over its calls."""

from emulator.ram.policies import Need, PolicyError
from emulator.ram.roles import Decision, Ram

__all__ = ["Decision", "Need", "PolicyError", "Ram"]
