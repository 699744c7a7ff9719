"""FC as the service answers, and the functions that it runs."""

from emulator.fc.service import FcService

__all__ = ["FcService"]
