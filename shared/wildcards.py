r"""
Patterns with wildcards, and which texts fit them.

``*`` stands for any characters or none, ``?`` for one; ``\*``, ``\?`` and ``\\`` stand for the
characters themselves. The whole text has to fit, and case matters, as in tags. Never builds a
regular expression: a match costs at most the product of the two lengths.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache


class _Wild(Enum):
    ONE = "?"
    MANY = "*"


_Pattern = tuple[str | _Wild, ...]


def fits(pattern: str, text: str) -> bool:
    """Return whether a text fits a pattern, which has to be valid."""
    pieces = _pieces(pattern)
    piece, at = 0, 0
    star, resume = -1, 0
    while at < len(text):
        here = pieces[piece] if piece < len(pieces) else None
        if here is _Wild.MANY:
            star, resume = piece, at
            piece += 1
        elif here is _Wild.ONE or here == text[at]:
            piece, at = piece + 1, at + 1
        elif star >= 0:
            # Only the last star can take more characters: what is before it fits already.
            resume += 1
            piece, at = star + 1, resume
        else:
            return False
    return all(rest is _Wild.MANY for rest in pieces[piece:])


def fits_one_of(patterns: Iterable[str], text: str | None) -> bool:
    """Return whether a text fits one of the patterns; None never does."""
    return text is not None and any(fits(pattern, text) for pattern in patterns)


def fits_everything(pattern: str) -> bool:
    """Return whether every text fits a pattern, because it has nothing but stars."""
    return bool(pattern) and not pattern.strip("*")


def only_text(pattern: str) -> str | None:
    """Return the only text that fits a pattern; None if it has wildcards."""
    pieces = _pieces(pattern)
    texts = [piece for piece in pieces if isinstance(piece, str)]
    return "".join(texts) if len(texts) == len(pieces) else None


@lru_cache(maxsize=1024)
def _pieces(pattern: str) -> _Pattern:
    pieces: list[str | _Wild] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if escaped not in ("*", "?", "\\"):
                raise ValueError(pattern)
            pieces.append(escaped)
        elif character in ("*", "?"):
            pieces.append(_Wild(character))
        else:
            pieces.append(character)
    return tuple(pieces)
