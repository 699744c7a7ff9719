"""
The base of all errors that a service of the emulator answers with.

    ServiceError        status, code and message of the answer
      ecs.EcsError, fc.FcError, sls.SlsError, oss.OssError, ram.RamError, smq.SmqError

A code that begins with `Emulator.` never comes from a real cloud.
"""

from __future__ import annotations


class ServiceError(Exception):
    """A request was rejected; each service has its own form for the answer."""

    retry_after_ms: int | None = None
    """Sent as x-acs-retry-after; None sends none."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
