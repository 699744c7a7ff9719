"""What the SDKs would load and a function never uses stays unloaded, and says so if it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.runtime.lazy_imports import LEFT_OUT

ROOT = Path(__file__).parent.parent.parent.parent


def run(code: str) -> str:
    """Run code in a fresh interpreter, where nothing has been imported yet."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


LOADED = f"""
import sys
import shared.entrypoints.take_snapshots
files = [m for m in sys.modules.values() if getattr(m, "__file__", None)]
left_out = {tuple(LEFT_OUT)!r}
print(sorted(m.__name__ for m in files if (m.__name__ + ".").startswith(
    tuple(name + "." for name in left_out))))
print(len([name for name in sys.modules if name.startswith("alibabacloud_ecs20140526.models.")]))
"""


def test_importing_a_function_loads_no_library_that_is_left_out_and_no_model() -> None:
    """1,150 models and six libraries are what most of a cold start would be."""
    assert run(LOADED).splitlines() == ["[]", "0"]


def test_a_model_is_loaded_when_it_is_asked_for_and_once() -> None:
    """With all that its own file holds."""
    code = """
import sys
import shared
from alibabacloud_ecs20140526 import models
tag = models.CreateSnapshotRequestTag(key="k", value="v")
assert models.CreateSnapshotRequestTag is models.CreateSnapshotRequestTag
assert tag.to_map() == {"Key": "k", "Value": "v"}
print([n for n in sys.modules if n.startswith("alibabacloud_ecs20140526.models.")])
"""
    assert run(code) == "['alibabacloud_ecs20140526.models._create_snapshot_request']"


def test_a_model_that_does_not_exist_is_an_attribute_error() -> None:
    """As it is without laziness."""
    code = """
import shared
from alibabacloud_ecs20140526 import models
try:
    models.NoSuchRequest
except AttributeError as exc:
    print(exc)
"""
    assert "has no attribute 'NoSuchRequest'" in run(code)


@pytest.mark.parametrize("library", LEFT_OUT)
def test_a_stand_in_may_be_named_and_inherited_from_and_says_so_if_it_is_used(
    library: str,
) -> None:
    """An accident in this is one clear sentence, not an AttributeError somewhere."""
    code = f"""
import shared
import {library}
from {library}.some.where import Thing
class Mine(Thing):
    pass
annotation: {library}.Other.Inner | None = None
try:
    Thing()
except ImportError as exc:
    print(exc)
"""
    said = run(code)

    assert f"{library}.some.where.Thing is needed, and {library} is left out" in said
    assert "shared/runtime/lazy_imports.py" in said


def test_collection_goes_on_after_the_imports_and_leaves_them_alone() -> None:
    """Also where an import fails: a function that runs on must not run out of memory."""
    code = """
import gc
from shared.runtime import lazy_imports
frozen = gc.get_freeze_count()
try:
    with lazy_imports.importing():
        assert not gc.isenabled()
        import no_such_module
except ImportError:
    pass
print(gc.isenabled(), gc.get_freeze_count() > frozen)
gc.disable()
with lazy_imports.importing():
    pass
print(gc.isenabled())
"""
    assert run(code).split() == ["True", "True", "False"]
