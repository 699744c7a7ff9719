"""
CRC-64 as OSS and FC have it (ECMA-182, reflected), in decimal.

OSS returns it for every object (`x-oss-hash-crc64ecma`), FC of every package (`codeChecksum`); fc3
uploads a package again only if the two differ. Takes two bytes at a time: about 0.2 s a MB.
"""

from __future__ import annotations

import struct
from functools import cache

_POLYNOMIAL = 0xC96C5795D7870F42
_ALL_ONES = (1 << 64) - 1


def crc64(data: bytes) -> str:
    """Return the checksum of some bytes."""
    table = _table()
    crc = _ALL_ONES
    even = len(data) & ~1
    for (pair,) in struct.iter_unpack("<H", memoryview(data)[:even]):
        crc = table[(crc ^ pair) & 0xFFFF] ^ (crc >> 16)
    for byte in data[even:]:
        crc = _shifted((crc ^ byte) & 0xFF) ^ (crc >> 8)
    return str(crc ^ _ALL_ONES)


@cache
def _table() -> tuple[int, ...]:
    """Return what two bytes do; what one byte does comes first."""
    one = [_shifted(value) for value in range(1 << 8)]
    halfway = (one[value & 0xFF] ^ (value >> 8) for value in range(1 << 16))
    return tuple(one[value & 0xFF] ^ (value >> 8) for value in halfway)


def _shifted(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value
