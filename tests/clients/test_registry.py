"""The list of clients, their locks and the table of emulator/CLIENTS.md are one."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from tests.clients.registry import BEGIN, CLIENTS, DOCUMENT, END, FOLDER, NODE, locked, with_table

NODE_LOCK = json.loads((FOLDER / NODE / "package-lock.json").read_text())
LOCKS = sorted((FOLDER / "python").glob("*.txt"))


def test_the_document_has_todays_table() -> None:
    """Written by `python -m tests.clients.registry`, between two markers."""
    text = DOCUMENT.read_text()

    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    assert with_table(text) == text, "run `.venv/bin/python -m tests.clients.registry`"


def test_every_lock_is_of_a_client() -> None:
    """Nothing is installed that no test runs."""
    packages = {client.package for client in CLIENTS if client.lock == NODE}

    assert {lock.stem for lock in LOCKS} | {NODE} == {client.lock for client in CLIENTS} | {NODE}
    assert set(NODE_LOCK["packages"][""]["dependencies"]) == packages


def test_every_tour_is_of_a_client() -> None:
    """Every script in the folder is run."""
    assert {path.name for path in (FOLDER / "tours").iterdir()} - {"__pycache__"} == {
        client.tour for client in CLIENTS
    }


def test_every_node_package_has_a_hash_and_no_address() -> None:
    """Fetched from any address in a lock file, whatever the configuration of npm is."""
    packages = {name: one for name, one in NODE_LOCK["packages"].items() if name}

    assert [name for name, one in packages.items() if "resolved" in one] == []
    assert [
        name for name, one in packages.items() if "integrity" not in one and "inBundle" not in one
    ] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_python_package_has_hashes_and_no_address(lock: Path) -> None:
    """Pip and uv reject whatever has another hash."""
    text = lock.read_text()

    assert "://" not in text
    options = [word for word in text.split() if word.startswith("--")]
    assert [one for one in options if "index" in one and not one.startswith("--no-")] == []
    for part in text.split("\n\n")[-1].split("\n"):
        assert part.startswith((" ", "#")) or "==" in part or not part
    assert text.count("--hash=sha256:") >= text.count("==")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_no_two_packages_install_the_same_file(lock: Path) -> None:
    """The one that is written last would win: another one on each machine."""
    found = list((FOLDER / ".installed" / lock.stem).glob("lib/python*/site-packages"))
    if not found:
        pytest.skip(f"{lock.stem} is not installed; run `make clients`")
    owners: dict[str, set[str]] = defaultdict(set)
    for record in found[0].glob("*.dist-info/RECORD"):
        with record.open(newline="", encoding="utf-8") as lines:
            for path, *_ in csv.reader(lines):
                owners[path].add(record.parent.name)

    assert owners
    assert {path: names for path, names in owners.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    "package",
    [
        "alibabacloud-ecs20140526",
        "alibabacloud-fc20230330",
        "aliyun-fc2",
        "aliyun-log-python-sdk",
    ],
)
def test_the_sdk_that_ships_is_among_the_clients(package: str) -> None:
    """In the version that ships."""
    shipped = locked(FOLDER.parents[1] / "requirements" / "runtime.txt", package)

    assert shipped in {client.version for client in CLIENTS if client.package == package}
