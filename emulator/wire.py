"""
What travels between an interface (`server`, `stub`) and a service: one request, one response.

An interface turns its own objects into a `Request`,
a service answers with a `Response`, and knows nothing of sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Transport = Literal["answer", "drop", "hang"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, decoded as far as HTTP goes."""

    method: str
    host: str
    """The Host header as sent, without a port."""
    path: str
    """Still percent-encoded, as signatures need it; without the query."""
    query: tuple[tuple[str, str], ...] = ()
    """Decoded pairs in the order they were sent; a key may come twice."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """
    What the client gets to see.

    `transport` other than "answer" means that it sees nothing: the connection is
    closed without a byte ("drop"), or kept open in silence ("hang").
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    transport: Transport = "answer"
    delay_s: float = 0.0
    """How long the interface waits, in real time, before it answers."""
