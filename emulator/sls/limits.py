"""
What one PutLogs may carry.

The sources disagree, so every default is the lowest that any of them names:
3 MB and 4,096 entries ("PutLogs", 2021), where newer pages say 10 MB and the
Python SDK lets 30 MB and 512,000 entries pass; 1 MB for a value; 128 bytes for a
key ("Limits"). A request over a limit is rejected as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

_MB = 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Limits:
    """Limits of one SLS; may be changed while it runs."""

    max_raw_bytes: int = 3 * _MB
    """Size of the log group before compression."""
    max_logs: int = 4096
    max_value_bytes: int = 1 * _MB
    max_key_bytes: int = 128
    log_time_window_s: tuple[float, float] | None = None
    """
    How far in the past and in the future a log's time may lie, by the cloud's clock.

    The service allows (604800, 900), a week and a quarter of an hour ("PutLogs",
    PostBodyInvalid); None, the default, checks nothing, since a test may set the
    cloud's clock and not its client's.
    """
