"""
The body of one HTTP request, as long as it says or in chunks.

`http.server` reads neither. Node's clients send chunks (RFC 9112, "Chunked Transfer
Coding"); trailers are read and mean nothing.
"""

from __future__ import annotations

from email.message import Message
from io import BufferedIOBase

_MAX_LINE_BYTES = 1024


class BodyError(Exception):
    """A body of unknown length, or too long; the connection has to end."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def read(headers: Message, stream: BufferedIOBase, *, max_bytes: int) -> bytes:
    """Return the body that follows these headers; raises BodyError."""
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        return _chunks(stream, max_bytes)
    length = headers.get("Content-Length", "0")
    if headers.get("Transfer-Encoding") or not length.isdecimal():
        raise BodyError(411, "a request needs Content-Length or chunks here")
    if int(length) > max_bytes:
        raise _too_large(max_bytes)
    return stream.read(int(length))


def _chunks(stream: BufferedIOBase, max_bytes: int) -> bytes:
    body = bytearray()
    while True:
        size = stream.readline(_MAX_LINE_BYTES).partition(b";")[0].strip()
        try:
            length = int(size, 16)
        except ValueError as exc:
            raise BodyError(400, "a chunk begins with its size") from exc
        if length < 0 or len(body) + length > max_bytes:
            raise _too_large(max_bytes)
        body += stream.read(length)
        # The end of the chunk; after the last one, of trailers and of the body.
        while stream.readline(_MAX_LINE_BYTES).strip() and not length:
            pass
        if not length:
            return bytes(body)


def _too_large(max_bytes: int) -> BodyError:
    return BodyError(413, f"a body may have {max_bytes} bytes here")
