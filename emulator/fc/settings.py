"""
What FC leaves undocumented, as settings that a test turns; every default is the mild reading.

Not among `EcsSettings`, which a fleet file and the command line can turn: these are about
running code, and a fleet file has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class FcSettings:
    """Settings of one region's FC; may be changed while it runs."""

    own_python: bool = False
    """Whether functions run with the Python that runs the emulator, whatever their runtime."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables that every instance gets besides its own, which win; `serve` sets its addresses."""
    retry_user_errors: bool = True
    """Whether an asynchronous invocation whose function failed is tried again."""
    retry_internal_errors: bool = True
    """Whether one that FC itself could not carry out is tried again."""
    retry_delay_s: float = 0.5
    """Before the first retry; doubled for each further one ("Asynchronous invocation")."""
    max_retry_delay_s: float = 3600.0
    timers_have_destinations: bool = True
    """Whether what a timer started reaches a destination; a page of 2021 says that it does not."""
    base64_destinations: bool = False
    """Whether what a queue is sent is in Base64, as the SDKs of SMQ send and read it."""
    credentials_last_s: float = 36 * 3600.0
    """How long an instance's key is good ("Context")."""
