"""Simple Log Service, as far as writing and reading back log records goes."""

from emulator.sls.service import SlsService

__all__ = ["SlsService"]
