"""docs/records.md: every kind, field and status that the functions write, and its queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.effective_outcomes import RANKS
from cli.monitoring.index import FIELDS, index_document
from emulator.sls.index import index_from
from shared.clients.sls import connect
from shared.coverage.states import STATES
from shared.errors import InvalidEventError, ReconcileError
from shared.records.outcome import STATUSES
from shared.runtime.context import Credentials, LogTarget
from tests.component.recovery import deployed
from tests.component.world import LOGSTORE, PROJECT, REGION, World, policy
from tests.component.world import world as make_world
from tests.project.documents import (
    RECORDS,
    fields_by_kind,
    first_cells,
    quoted,
    rows,
    texts_in_code,
    undocumented,
)


def test_every_record_kind_that_is_documented_is_written() -> None:
    """The other way round, tests/component/conftest.py checks each record of its tests."""
    assert set(fields_by_kind()) <= texts_in_code()


def test_every_field_that_is_documented_is_written() -> None:
    """Nothing is left over from an earlier version."""
    documented = {name for names in fields_by_kind().values() for name in names}

    missing = {name for name in documented if re.sub(r"_[A-Z]+$", "", name) not in texts_in_code()}

    assert missing == set()


def test_every_field_of_a_kind_is_explained() -> None:
    """Once: in the tables of all records and of runs, or in the list of fields."""
    everywhere = {
        quoted(cells[0])[0] for cells in rows(RECORDS, "## Record kinds") if len(cells) == 2
    }
    explained = first_cells(RECORDS, "## Fields")
    documented = {name for names in fields_by_kind().values() for name in names}

    assert len(explained) == len(set(explained))
    assert set(explained) | everywhere == documented
    assert set(explained) & everywhere == set()


def test_a_field_and_a_status_that_are_not_documented_are_found() -> None:
    """What the tests of the functions rely on."""
    common = {"version": "1", "function": "f"}
    new_kind, new_field = {"record": "new", **common}, {"record": "paused", "new": "x", **common}
    new_status = {"record": "disk", "status": "new", **common}

    assert undocumented([new_kind]) == {"new"}
    assert undocumented([new_field]) == {"paused.new"}
    assert undocumented([new_status]) == {"disk.status: new"}


def test_every_field_that_is_documented_is_in_the_index() -> None:
    """That `setup` makes: a field without it is found by no alert and shown by no dashboard."""
    documented = {name for names in fields_by_kind().values() for name in names}
    plain = {name for name in documented if not re.search(r"_(?:STATUS|STATE|API)$", name)}
    by_status = {name.removesuffix("STATUS") for name in documented if name.endswith("_STATUS")}

    assert plain <= set(FIELDS)
    assert {f"{name}{status}" for name in by_status for status in STATUSES} <= set(FIELDS)
    assert {f"count_{state}" for state in STATES} <= set(FIELDS)


def test_the_statuses_of_disks_stand_in_the_order_in_which_they_count() -> None:
    """The last of the list holds."""
    listed = first_cells(RECORDS, "### Disks")

    assert set(listed) == set(STATUSES) == set(RANKS)
    assert [RANKS[status] for status in listed if status in RANKS] == sorted(RANKS.values())


# --- queries ---------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path: Path) -> Iterator[World]:
    """An index as documented, and records that each query finds."""
    with make_world(tmp_path) as world:
        write_records(world)
        yield world


def write_records(world: World) -> None:
    logstore = world.cloud.sls._projects.logstore(PROJECT, LOGSTORE)
    logstore.index = index_from(index_document())
    with deployed(world) as parts:
        world.policies(policy(), policy(name="off", on={"timer": "off"}, enabled=False))
        full, _ = world.disks(2)
        world.cloud.ecs_settings.manual_snapshot_quota = 1
        world.ecs.add_snapshot(full)
        world.tick()
        parts.run_all()
        world.clock.advance(60)
        for completion in world.completions():
            world.complete(completion)
        world.tick("off")
        with pytest.raises(InvalidEventError):
            world.schedule({"key": "k"})
        world.policies(policy(on={"timer": "missing"}))
        with pytest.raises(ReconcileError):
            world.resume()


@pytest.mark.parametrize("cells", rows(RECORDS, "## Queries"), ids=lambda cells: cells[0])
def test_every_query_finds_what_is_promised(written: World, cells: list[str]) -> None:
    """With the index that the document requires, and no other field in it."""
    [query] = quoted(cells[0])
    disks = written.recorded("disk")
    [failed] = [one for one in disks if one["status"] == "failed"]
    [created] = [one for one in disks if one["status"] == "created"]
    for name, value in {
        "DISK_ID": failed["disk_id"],
        "RUN_ID": failed["run_id"],
        "SNAPSHOT_ID": created["snapshot_id"],
        "POLICY": "nightly",
        "DEPLOYMENT": "test",
    }.items():
        query = re.sub(rf"\b{name}\b", value, query)
    key = written.cloud.access_key
    logstore = connect(
        LogTarget(
            endpoint=f"https://{REGION}.log.aliyuncs.com", project=PROJECT, logstore=LOGSTORE
        ),
        Credentials(
            access_key_id=key.access_key_id,
            access_key_secret=key.access_key_secret,
            security_token=key.security_token,
        ),
    )

    found = logstore.search(query, since_s=0, until_s=2**31 - 1).records

    kinds = set(re.findall(r"record: (\w+)", query)) or {one["record"] for one in written.records}
    assert 0 < len(found) < len(written.records)
    assert {one["record"] for one in found} <= kinds
