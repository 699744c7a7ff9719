"""
The page as one HTML file, which loads nothing: no script, font or image from elsewhere.

Pure but for the parts in `assets/`. Names, tags and error texts come from people and services. They
are JSON inside the file, and the script shows them as text only; so none can become markup. The
content security policy allows this one script and this one style by their hashes, and no request.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("model.js", "parts.js", "table.js", "detail.js", "main.js")
"""In the order in which they follow each other: one script with one scope."""
_ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def page(document: Mapping[str, Any]) -> str:
    """Return the text of the page for what `document_of` returns."""
    script = "\n".join(["", '"use strict";', *(_text(name) for name in _SCRIPTS)])
    style = f"\n{_text('page.css')}"
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_source(script)}",
            f"style-src {_source(style)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    parts = {
        "policy": policy,
        "style": style,
        "title": html.escape(f"Snapshot coverage: {document['deployment']}"),
        "data": as_data(document),
        "script": script,
    }
    pieces = _text("page.html").split("%%")
    # Every second piece is a name. A part that is filled in is never searched for names.
    return "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def as_data(value: object) -> str:
    """
    Return JSON that may stand in a script element.

    A browser ends the element at ``</script`` and enters another state at ``<!--``, so no ``<`` is
    left (HTML standard, "Restrictions for contents of script elements").
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate, which JSON can have, is no character that a file can hold.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.translate(_ESCAPED)


def _source(text: str) -> str:
    """Return how the content security policy names an inline script or style."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _text(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
