from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.monitoring.index import FIELDS
from tests.component.world import World
from tests.component.world import world as make_world
from tests.project.documents import undocumented


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An emulator with one Logstore and a policy for the disks tagged env: prod."""
    with make_world(tmp_path) as made:
        yield made
    assert undocumented(made.records) == set(), "docs/records.md lists every record and field"
    written = {field for record in made.records for field in record if not field.startswith("__")}
    assert written <= set(FIELDS), "the index that `setup` makes has every field"
