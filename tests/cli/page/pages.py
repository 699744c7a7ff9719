"""Pages of a world, and what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from cli.inventory.coverage_command import Question, coverage
from tests.cli.inventory_world import asked, policies_of
from tests.component.world import World


def write_page(world: World, path: Path, **of: Any) -> tuple[bool, str, str]:
    """Run `ecsnap coverage --html`; return whether it succeeded, its result, and its messages."""
    question = Question(policies=policies_of(world), html=path, clock=world.clock, **of)
    return asked(lambda output: coverage(question, output), as_json=False, width=100)


def document_of(text: str) -> Any:
    """Return the facts in a page, as a browser finds them: up to the first end of an element."""
    pattern = r'<script type="application/json" id="data">(.*?)</script'
    (data,) = re.findall(pattern, text, re.DOTALL | re.IGNORECASE)
    return json.loads(data)


def disks_of(document: Any) -> dict[str, dict[str, Any]]:
    """Return the disks by their id, each with its facts by name."""
    rows = [dict(zip(document["fields"], row, strict=True)) for row in document["rows"]]
    return {row["disk_id"]: row for row in rows}


def page_document(world: World, folder: Path, **of: Any) -> Any:
    """Return the facts in the page of a world of which everything can be read."""
    done, _, messages = write_page(world, folder / "page.html", **of)
    assert done, messages
    assert of.get("live") or messages == ""
    return document_of((folder / "page.html").read_text(encoding="utf-8"))
