"""
Bodies that are compressed: those of PutLogs, and answers that a client wants so.

Source: Log Service API reference, "PutLogs" and "PullLogs" (lz4 as a block without its size,
deflate in zlib's form); zstd, which newer clients prefer, from alibabacloud-gateway-sls 0.4.2.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

import lz4.block
import zstandard

from emulator.sls.errors import SlsError

_COMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "lz4": lambda raw: bytes(lz4.block.compress(raw, store_size=False)),
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}


def _lz4(body: bytes, most: int) -> bytes:
    return bytes(lz4.block.decompress(body, uncompressed_size=most))


def _deflate(body: bytes, most: int) -> bytes:
    return zlib.decompressobj().decompress(body, most)


def _zstd(body: bytes, most: int) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(body).read(most)


_DECOMPRESS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "": lambda body, _most: body,
    "lz4": _lz4,
    "deflate": _deflate,
    "zstd": _zstd,
}


def decompress(kind: str, body: bytes, raw_size: int) -> bytes:
    """
    Return the raw bytes, or one byte more than announced if there are more.

    Raises:
        SlsError: InvalidCompressType or PostBodyUncompressError.

    """
    if kind not in _DECOMPRESS:
        raise SlsError(
            400,
            "InvalidCompressType",
            f"x-log-compresstype {kind} is unsupported: bodies are read as {', '.join(_COMPRESS)}"
            " or plain.",
        )
    try:
        return _DECOMPRESS[kind](body, raw_size + 1)
    except (lz4.block.LZ4BlockError, zlib.error, zstandard.ZstdError) as exc:
        raise SlsError(400, "PostBodyUncompressError", f"Failed to decompress logs: {exc}") from exc


def compressed(raw: bytes, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
    """
    Return an answer's body as Accept-Encoding wants it, and the headers that say how.

    The header of a client of SLS names one compression. A list is that of an HTTP library, which
    would not look for `x-log-compresstype`, unless lz4, which no such library knows, is in it.
    """
    wanted = [name.partition(";")[0].strip().lower() for name in accept_encoding.split(",")]
    kind = wanted[0] if len(wanted) == 1 else next((name for name in wanted if name == "lz4"), "")
    headers = {"x-log-bodyrawsize": str(len(raw))}
    if kind not in _COMPRESS or not raw:
        return raw, headers
    return _COMPRESS[kind](raw), headers | {"x-log-compresstype": kind}
