"""The import rules: rooms in order, shared/ and emulator/ apart, one module for each SDK."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SHIPS = ("shared", "functions")
SDKS = ("alibabacloud_", "aliyun", "aliyunsdk", "Tea", "darabonba", "fc2")
ECS_SDK = ("alibabacloud_ecs",)
FC_2_SDK = ("fc2",)
FC_3_SDK = ("alibabacloud_fc",)
CORE_OF_BOTH = ("alibabacloud_", "Tea", "darabonba")
LOG_SDK = ("aliyun",)


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(source: str) -> Iterator[str]:
    """Every module that is imported anywhere in a source, relative ones as their dots."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(arg.value) for arg in node.args if isinstance(arg, ast.Constant))


def importers(prefixes: tuple[str, ...], *folders: str) -> set[str]:
    """The files in folders that import a module that starts so."""
    return {
        name_of(path)
        for path in files(*folders)
        for module in imports(path.read_text(encoding="utf-8"))
        if module.startswith(prefixes)
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import emulator", ["emulator"]),
        ("def f():\n    from emulator.ecs import x", ["emulator.ecs"]),
        ("import a.b as c, d", ["a.b", "d"]),
        ("from . import x", ["."]),
        ("importlib.import_module('emulator')", ["emulator"]),
        ("x = 'import emulator'", []),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, expected: list[str]) -> None:
    """The tests below rest on this."""
    assert list(imports(source)) == expected


def test_there_is_something_to_look_at() -> None:
    """A folder that was renamed must not turn the rules below into nothing."""
    assert all(files(folder) for folder in (*SHIPS, "emulator"))


def test_what_ships_never_imports_what_does_not() -> None:
    """The emulator, the command and the tests do not ship."""
    assert importers(("emulator", "cli", "tests"), *SHIPS) == set()


def test_the_local_cloud_shares_no_code_with_its_clients() -> None:
    """An emulator that shares code with the client agrees with the client's bugs."""
    assert importers((*SHIPS, *SDKS), "emulator") == set()


def test_each_sdk_has_one_door() -> None:
    """L10: what an SDK raises is translated at one place."""
    assert importers(ECS_SDK, *SHIPS) == {"shared/clients/ecs.py"}
    assert importers(FC_2_SDK, *SHIPS) == {"shared/clients/fc2.py"}
    assert importers(FC_3_SDK, *SHIPS) == {"shared/clients/fc3.py"}
    assert importers(CORE_OF_BOTH, *SHIPS) == {"shared/clients/ecs.py", "shared/clients/fc3.py"}
    assert importers(LOG_SDK, *SHIPS) == {"shared/clients/sls.py"}


def test_shared_never_imports_a_function() -> None:
    """One direction, no way back."""
    assert importers(("functions",), "shared") == set()


FLOORS = (
    ("errors",),
    ("wildcards",),
    ("rules",),
    ("validation",),
    ("identity",),
    ("runtime",),
    ("clients",),
    ("policies", "records"),
    ("triggers",),
    ("snapshots",),
    ("completions", "recovery", "coverage"),
    ("entrypoints",),
)
"""The rooms of shared/, and the modules beside them, from the lowest to the highest."""


def room_of(module: str) -> str:
    """Return the room of a module of shared/, or its own name where it is in none."""
    return module.split(".")[1]


def test_every_room_of_shared_has_a_floor() -> None:
    """A new room needs a place in the order."""
    found = {p.relative_to(ROOT / "shared").parts[0].removesuffix(".py") for p in files("shared")}

    assert found - {"__init__"} == {room for floor in FLOORS for room in floor}


@pytest.mark.parametrize("floor", FLOORS, ids="+".join)
def test_each_room_imports_only_from_rooms_below_it(floor: tuple[str, ...]) -> None:
    """One direction; two rooms of one floor never import each other."""
    below = {room for lower in FLOORS[: FLOORS.index(floor)] for room in lower}
    for room in floor:
        folder = ROOT / "shared" / room
        sources = list(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
        imported = {
            room_of(module)
            for path in sources
            for module in imports(path.read_text(encoding="utf-8"))
            if module.startswith("shared.")
        }

        assert imported - {room} <= below, room


NOT_LOADED = {
    "snapshot_on_schedule": {"completions", "recovery", "coverage"},
    "snapshot_on_event": {"completions", "recovery", "coverage"},
    "record_completion": {"recovery", "coverage"},
    "resume_runs": {"snapshots", "completions", "coverage", "clients.ecs"},
    "report_coverage": {"completions", "recovery", "snapshots.run", "snapshots.execution"},
}
"""The rooms and modules of shared/ that a function has no use for; each cold start pays them."""


def loaded_by(module: str) -> set[str]:
    """Return the modules of shared/ that an import of one loads, however indirectly."""
    loaded: set[str] = set()
    waiting = [module]
    while waiting:
        path = ROOT / (waiting.pop().replace(".", "/") + ".py")
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        new = {name for name in imports(source) if name.startswith("shared.")} - loaded
        loaded |= new
        waiting += new
    return loaded


def test_a_function_loads_no_room_that_it_does_not_use() -> None:
    """What is imported for a type alone costs each cold start as much as what is called."""
    assert set(NOT_LOADED) == {path.parent.name for path in files("functions")}
    for function, unused in NOT_LOADED.items():
        loaded = {name.removeprefix("shared.") for name in loaded_by(f"functions.{function}.index")}

        assert len(loaded) > 20, function
        assert not {name for name in loaded for room in unused if f"{name}.".startswith(f"{room}.")}


def test_no_module_of_shared_is_imported_by_way_of_its_package() -> None:
    """`from shared import x` would pass by the rule above, and so would an import with dots."""
    for path in files("shared"):
        found = set(imports(path.read_text(encoding="utf-8")))
        assert "shared" not in found, path
        assert not any(module.startswith(".") for module in found), path


PURE = (
    "errors",
    "validation",
    "identity",
    "policies.name_template",
    "policies.policy",
    "policies.selection",
    "records.outcome",
    "snapshots.request",
    "snapshots.disk_state",
)


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_import_no_clock_no_chance_and_no_network(module: str) -> None:
    """What decides is a function of its arguments (and a retry sees nothing else)."""
    path = ROOT / "shared" / f"{module.replace('.', '/')}.py"
    impure = {"time", "random", "secrets", "uuid", "os", "socket", "threading", "requests", "sys"}

    assert impure.isdisjoint(imports(path.read_text(encoding="utf-8")))


CLOCKS = ("now", "utcnow", "today", "time", "time_ns")


def reads_the_clock(source: str) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in CLOCKS
        and isinstance(node.value, ast.Name | ast.Attribute)
        and ast.unparse(node.value).rpartition(".")[2] in ("datetime", "date", "time")
        for node in ast.walk(ast.parse(source))
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("datetime.now(timezone.utc)", True),
        ("datetime.datetime.utcnow()", True),
        ("f = datetime.now", True),
        ("time.time()", True),
        ("date.today()", True),
        ("clock.now()", False),
        ("time.monotonic()", False),
    ],
)
def test_a_read_of_the_clock_is_found(source: str, *, expected: bool) -> None:
    """The test below rests on this."""
    assert reads_the_clock(source) is expected


def test_only_the_clocks_read_the_clock() -> None:
    """`now` is an argument: no test has to wait for a date, and no retry sees another one."""
    readers = {
        name_of(path)
        for path in files(*SHIPS, "emulator")
        if reads_the_clock(path.read_text(encoding="utf-8"))
    }

    assert readers == {"shared/runtime/clock.py", "emulator/clock.py"}
