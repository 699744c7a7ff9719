"""
Answers as XML: what JSON nests, elements nest; a list is an element each, of one name.

Learnt from the samples of the ECS API reference. XML has no place for most control
characters, in whatever spelling: they become U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(root: str, content: Mapping[str, Any], *, namespace: str = "") -> bytes:
    """Return a document whose root holds the content, in a namespace if one is given."""
    element = ET.Element(root, {"xmlns": namespace} if namespace else {})
    _fill(element, content)
    body: bytes = ET.tostring(element, encoding="UTF-8", xml_declaration=True)
    return body


def _fill(element: ET.Element, content: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(content, Mapping):
        for name, value in content.items():
            for one in value if isinstance(value, list) else [value]:
                _fill(ET.SubElement(element, name), one)
    elif isinstance(content, bool):
        element.text = str(content).lower()
    else:
        element.text = _NOT_IN_XML.sub("\ufffd", str(content))
