"""Modules that a function never uses stay unloaded, and raise a clear error if they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.runtime.lazy_imports import LEFT_OUT, ON_FIRST_USE

ROOT = Path(__file__).parent.parent.parent.parent


def run(code: str, *options: str) -> str:
    """Run code in a fresh interpreter, where nothing has been imported yet."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *options, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


WITHOUT_SITE = f"import sys; sys.path += {sys.path!r}\n"
"""With ``-S``: what site-packages load as Python starts is not loaded, and all can be imported."""


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
def test_a_stand_in_may_be_named_and_inherited_from_and_raises_if_it_is_called(
    library: str,
) -> None:
    """A mistake here gives one clear message, and no AttributeError later."""
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
    output = run(code)

    assert f"{library}.some.where.Thing: not in this package, because" in output
    assert "shared/runtime/lazy_imports.py" in output


def test_a_module_that_a_package_lacks_has_a_stand_in_and_what_it_has_is_imported(
    tmp_path: Path,
) -> None:
    """The package of a function has a few modules of the SLS SDK; tests use all of them."""
    sdk = tmp_path / "aliyun" / "log"
    sdk.mkdir(parents=True)
    (sdk.parent / "__init__.py").touch()
    (sdk / "__init__.py").write_text("from .rest import *\nfrom .index import Index\n")
    (sdk / "kept.py").write_text("KEPT = 1")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import shared
from aliyun.log import Index
from aliyun.log.kept import KEPT
try:
    Index()
except ImportError as exc:
    print(KEPT, exc)
try:
    import aliyun.other
except ImportError as exc:
    print(exc)
"""
    printed = run(code).splitlines()

    assert printed[0].startswith("1 aliyun.log.index.Index: not in this package, because")
    assert printed[1] == "No module named 'aliyun.other'"


MADE_UP = """
import sys, threading
from pathlib import Path
folder = Path({folder!r})
package = folder / "made_up"
package.mkdir(exist_ok=True)
(package / "__init__.py").write_text({source!r})
(package / "part.py").write_text("from . import VALUE; PART = VALUE + 1")
sys.path.insert(0, str(folder))
from shared.runtime import lazy_imports
lazy_imports.ON_FIRST_USE["made_up"] = ("function",)
import made_up
stand_in = made_up
"""


def made_up(folder: Path, source: str) -> str:
    """Return the start of a program in which a package with this source is for first use."""
    return MADE_UP.format(folder=str(folder), source=source)


def test_what_is_for_first_use_is_not_loaded_by_a_function() -> None:
    """A cold start pays for none of it, and the SDKs warn of nothing."""
    code = f"""
import sys, warnings
warnings.simplefilter("error")
import shared.entrypoints.take_snapshots
from shared.runtime.lazy_imports import _OnFirstUse
print([n for n in {sorted(ON_FIRST_USE)!r} if type(sys.modules[n]) is not _OnFirstUse])
"""
    # Python itself may have loaded some before the first line of any code here.
    assert run(WITHOUT_SITE + code, "-S") == "[]"


@pytest.mark.parametrize("name", ON_FIRST_USE)
def test_what_is_for_first_use_has_every_name_of_the_module(name: str) -> None:
    """All that a module has is had through its stand-in: the same objects."""
    code = f"""
import shared, sys, importlib
stand_in = importlib.import_module({name!r})
assert not hasattr(stand_in, "no_such_name")
real = sys.modules[{name!r}]
assert real is not stand_in, stand_in
wrong = [n for n in vars(real) if n[:2] != "__" and getattr(stand_in, n) is not getattr(real, n)]
again = importlib.import_module({name!r})
print([n for n in wrong if n not in {ON_FIRST_USE[name]!r}], again is real)
"""
    assert run(WITHOUT_SITE + code, "-S") == "[] True"


def test_a_function_that_is_imported_by_name_loads_its_module_when_it_is_called(
    tmp_path: Path,
) -> None:
    """``from importlib.metadata import version`` is no use yet."""
    code = made_up(tmp_path, "def function(one, *, two):\n    return one + two\n")
    code += """
from made_up import function
assert sys.modules["made_up"] is stand_in
print(function(1, two=2), sys.modules["made_up"] is stand_in)
"""
    assert run(code) == "3 False"


def test_a_module_of_a_package_for_first_use_is_imported_after_the_package(
    tmp_path: Path,
) -> None:
    """And once, also where the package imports it itself."""
    for source in ("VALUE = 1\n", "VALUE = 1\nfrom . import part\n"):
        code = made_up(tmp_path, source)
        code += """
import made_up.part
from made_up import part
assert made_up.part is part is stand_in.part is sys.modules["made_up.part"]
assert made_up is not stand_in
import importlib
print(part.PART, importlib.reload(part) is part, part.__spec__.loader.__class__.__name__)
"""
        assert run(code) == "2 True SourceFileLoader"


def test_everything_of_a_package_for_first_use_can_be_imported_with_a_star(tmp_path: Path) -> None:
    """As a use, and not as nothing."""
    code = made_up(tmp_path, "__all__ = ['VALUE']\nVALUE = 1\n")
    assert run(code + "from made_up import *\nprint(VALUE)") == "1"


def test_a_load_that_fails_fails_in_the_same_way_the_next_time(tmp_path: Path) -> None:
    """Its cause is not hidden behind the half of a module; and a passing trouble passes."""
    source = "from . import part\nVALUE = 1\n"
    code = made_up(tmp_path, source)
    code += """
output = []
for attempt in range(3):
    try:
        stand_in.VALUE
    except ImportError as exc:
        output.append(str(exc))
try:
    import made_up
except ImportError as exc:
    output.append(str(exc))
(package / "__init__.py").write_text("VALUE = 123\\n")
print(len(output), len(set(output)), "VALUE" in output[0], stand_in.VALUE)
"""
    assert run(code, "-B") == "4 1 True 123"


def test_threads_that_meet_at_the_first_use_get_the_whole_module(tmp_path: Path) -> None:
    """However they come to it, and it is loaded once."""
    source = (
        "import time, threading\nVALUE = 0\ntime.sleep(0.1)\nfrom . import part\n"
        "time.sleep(0.1)\nLOADS = globals().get('LOADS', 0) + 1\nVALUE = 1\n"
        "print('loaded')\n"
    )
    code = made_up(tmp_path, source)
    code += """
got, meet = [], threading.Barrier(9)
def use():
    meet.wait()
    got.append((stand_in.VALUE, stand_in.LOADS))
def import_a_part():
    meet.wait()
    import made_up.part  # which binds the package itself
    got.append((made_up.VALUE, made_up.LOADS))
threads = [threading.Thread(target=use) for _ in range(8)]
threads.append(threading.Thread(target=import_a_part, daemon=True))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
print(len(got), sorted(set(got)))
"""
    assert run(code) == "loaded\n9 [(1, 1)]"


def test_collection_continues_after_the_imports_and_leaves_them_alone() -> None:
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
