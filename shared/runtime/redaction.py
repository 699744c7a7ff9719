"""
Texts without secrets, in any encoding, and without signatures.

The services answer a wrong signature with everything that was signed, including the security
token, and libraries log the headers of requests.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

HIDDEN = "***"
_KNOWN_BY = 12
"""The number of leading characters that identify a secret, which may be cut off after them."""
_REST = r"(?:[\w+/=%~.-]|\\/|(?i:\\u00[0-9a-f]{2}|&#x?[0-9a-f]+;))*"
_SIGNATURES = (
    # Signature=…, "signature": "…", signature … not matched.
    re.compile(
        r"(?i)(signature\b(?:\W|%(?:3[ad]|2[027]))*(?:(?:is|was|of)\b\W{0,4})?)[A-Za-z0-9+/=%]{16,}"
    ),
    # The value of Authorization: FC <id>:<signature>, LOG <id>:<signature>.
    re.compile(r"(?i)((?:FC|LOG|ACS)(?:\s|%20|\+)[\w.-]{1,128}(?::|%3a))[A-Za-z0-9+/=%]{16,}"),
)


def redacted(text: str, secrets: Iterable[str | None]) -> str:
    """
    Return a text with ``***`` in place of each secret and signature.

    Args:
        text: Any text of a service or a library.
        secrets: Found as they are, percent-encoded once or twice, escaped for JSON or HTML,
            and cut off at their end; None and empty ones are ignored.

    """
    for secret in filter(None, secrets):
        text = _pattern(secret).sub(HIDDEN, text)
    for signature in _SIGNATURES:
        text = signature.sub(rf"\1{HIDDEN}", text)
    return text


@functools.lru_cache(maxsize=64)
def _pattern(secret: str) -> re.Pattern[str]:
    head = "".join(_spelled(character) for character in secret[:_KNOWN_BY])
    return re.compile(f"(?:{head}){_REST}")


def _spelled(character: str) -> str:
    if character.isascii() and (character.isalnum() or character in "-_"):
        return re.escape(character)
    code = ord(character)
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode())
    entities = f"&#0*{code};|&#x0*{code:x};"
    return f"(?:{re.escape(character)}|\\\\/|(?i:{percent}|\\\\u{code:04x}|{entities}))"
