"""What is not built, or could not start as deployed, is found before a deployment and not built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.build_check import CONTENTS, build_contents
from cli.check import check
from cli.deployment.project import read_project, write_templates
from cli.package import package, target_version
from emulator.interpreters import OWN, SEARCHED, find
from shared.errors import Problems
from shared.runtime.json_yaml import read_policies
from tests.packages import TIMED, edit_deployment, of_an_account, pretend_built
from tests.shipped import FUNCTIONS

ROOT = Path(__file__).parent.parent.parent
PARTS = ("policies.yaml", "deployment.yaml", "functions")
CODE = ("cli", "emulator", "shared", "requirements", "pyproject.toml")
RUNTIME = target_version()
OTHER = next(version for version in ("3.10", "3.12") if version != OWN)
"""A runtime of Function Compute that does not run these tests."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, to change and to build in."""
    for part in (*PARTS, *CODE):
        source, ignore = ROOT / part, shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, tmp_path / part, ignore=ignore)
        else:
            shutil.copy(source, tmp_path / part)
    of_an_account(tmp_path)
    return tmp_path


def set_memory(project: Path, memory_mb: int, function: str = "all") -> None:
    """Change the memory of every function, or of one."""
    path = project / "deployment.yaml"
    kept = path.read_text().partition("functions:")[0]
    path.write_text(f"{kept}functions: {{{function}: {{memory_mb: {memory_mb}}}}}\n")
    write_templates(read_project(project / "policies.yaml"))


def problems_of(project: Path) -> list[str]:
    """Return what is wrong, without the lines."""
    found = check(project / "policies.yaml", built=True).problems
    return [re.sub(r" line \d+", "", one, count=1) for one in found]


def test_what_make_package_builds_is_good(project: Path) -> None:
    """Bytecode for the runtime's Python beside every file."""
    pretend_built(project, FUNCTIONS, version=RUNTIME)

    assert problems_of(project) == []


def test_what_is_not_there_is_named(project: Path) -> None:
    """Fun would report success without it."""
    pretend_built(project, FUNCTIONS, version=RUNTIME)
    shutil.rmtree(project / "build" / "resume_runs")
    (project / "build" / "record_completion" / "index.py").unlink()

    found = problems_of(project)

    assert found == [
        f"build/{what}: missing; run `make package`"
        for what in ("record_completion/index.py", "resume_runs")
    ]


def without_bytecode(folder: Path) -> None:
    shutil.rmtree(folder / "__pycache__")


def with_bytecode_that_a_zip_outlives(folder: Path) -> None:
    shutil.rmtree(folder)
    pretend_built(folder.parent.parent, [folder.name], version=RUNTIME, flags=TIMED)


def with_one_file_more(folder: Path) -> None:
    (folder / "library").mkdir()
    (folder / "library" / "more.py").touch()


@pytest.mark.parametrize(
    "changed", [without_bytecode, with_bytecode_that_a_zip_outlives, with_one_file_more]
)
def test_what_each_cold_start_would_compile_is_named_with_the_remedy(
    project: Path, changed: object
) -> None:
    """At 128 MB it would be killed; with more memory it starts."""
    assert callable(changed)
    pretend_built(project, FUNCTIONS, version=RUNTIME)
    changed(project / "build" / "snapshot_on_event")

    found = problems_of(project)
    set_memory(project, 192)

    (line,) = found
    assert line.startswith("build/snapshot_on_event: 1 files without bytecode for Python ")
    assert f"1 files without bytecode for Python {RUNTIME}" in line
    assert "memory is 128 MB" in line
    assert f"install Python {RUNTIME} and run `make package`" in line
    assert "memory_mb to 192 or more in deployment.yaml" in line
    assert problems_of(project) == []


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("path", "old", "new", "output"),
    [
        ("policies.yaml", "env: prod", "env: production", "because policies.yaml has changed"),
        ("shared/clients/ecs.py", "import", "import  ", "because shared has changed"),
        ("functions/resume_runs/index.py", "import", "import  ", "because functions has changed"),
        ("requirements/runtime.txt", "==", "== ", "because requirements/runtime.txt has changed"),
        ("build/resume_runs/index.py", "event", "happened", "build/resume_runs: changed since"),
        ("build/resume_runs/built_for_python", "\n", "", "build/resume_runs: changed since"),
        ("build/contents.json", "}", "", "build/contents.json: cannot be read"),
    ],
)
def test_what_was_changed_since_it_was_built_is_named(
    project: Path, path: str, old: str, new: str, output: str
) -> None:
    """D4: a deployment uploads what is there, whatever was edited or lost since."""
    pretend_built(project, FUNCTIONS, version=RUNTIME)
    policies = read_policies(project / "policies.yaml", Problems())
    contents = project / "build" / CONTENTS
    contents.write_text(build_contents(project / "build", project, policies))
    assert problems_of(project) == []

    edited(project / path, old, new)

    (found,) = problems_of(project)
    assert output in found
    assert found.endswith("run `make package`")


def test_what_no_package_holds_may_be_changed_after_it_was_built(project: Path) -> None:
    """A comment in the policies, a role's policy, a template's memory."""
    pretend_built(project, FUNCTIONS, version=RUNTIME)
    policies = read_policies(project / "policies.yaml", Problems())
    contents = project / "build" / CONTENTS
    contents.write_text(build_contents(project / "build", project, policies))

    edited(project / "policies.yaml", "# Which disks", "# Of which disks")
    edited(project / "functions/resume_runs/ram-policy.json", '"Version"', ' "Version"')
    set_memory(project, 256)
    (project / "shared" / "__pycache__").mkdir()
    (project / "shared" / "__pycache__" / "ecs.pyc").touch()

    assert problems_of(project) == []


def test_memory_counts_for_each_function(project: Path) -> None:
    """Whichever has too little."""
    pretend_built(project, FUNCTIONS, version=RUNTIME)
    without_bytecode(project / "build" / "resume_runs")
    set_memory(project, 192, "snapshot_on_event")

    (line,) = problems_of(project)

    assert line.startswith("build/resume_runs: 1 files without bytecode")


def test_what_was_built_for_another_python_is_named(project: Path) -> None:
    """It rejects to start: as after an edit of the runtime, and with memory enough, too."""
    other = next(version for version in ("3.10", "3.12") if version != RUNTIME)
    pretend_built(project, FUNCTIONS, version=other)
    set_memory(project, 512)

    found = problems_of(project)

    assert len(found) == len(FUNCTIONS)
    for line in found:
        assert f"built for Python {other}, but runtime is python{RUNTIME}; run `make pa" in line


def run_cli(project: Path, *arguments: str) -> tuple[int, str]:
    """Run the command on a machine with no Python but the one that runs the tests."""
    nowhere = str(project / "nowhere")
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=project,
        env={
            **os.environ,
            **dict.fromkeys(("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"), nowhere),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_what_could_not_start_is_not_built(project: Path) -> None:
    """D4: without the runtime's Python, at 128 MB: what was built before is gone, too."""
    edit_deployment(project, f"python{RUNTIME}", f"python{OTHER}")
    pretend_built(project, FUNCTIONS, version=OTHER)

    status, output = run_cli(project, "package")

    assert status == 1
    assert f"no Python {OTHER} on this machine (searched {SEARCHED})" in output
    assert f"install Python {OTHER}, for example with" in output
    assert "set memory_mb to 192 or more; too little have" in output
    assert ", ".join(FUNCTIONS) in output
    assert not (project / "build").exists()
    assert "Traceback" not in output


def test_with_memory_enough_source_alone_is_built(project: Path) -> None:
    """And the check holds the memory to it afterwards."""
    edit_deployment(project, f"python{RUNTIME}", f"python{OTHER}")
    set_memory(project, 192)

    built = run_cli(project, "package")
    if "uv could not fetch the libraries: error: Failed to fetch" in built[1]:
        pytest.skip("uv, which alone fetches for another Python, reaches no package index")
    good = run_cli(project, "check", "--built")
    set_memory(project, 128)
    bad = run_cli(project, "check", "--built")

    assert built[0] == 0, built[1]
    assert (
        f"warning: no Python {OTHER} on this machine: the packages contain source only" in built[1]
    )
    assert not [*(project / "build").rglob("*.pyc")]
    assert good[0] == 0, good[1]
    assert bad[0] == 1
    assert f"files without bytecode for Python {OTHER}" in bad[1]


def test_what_is_deployed_is_compiled_for_the_functions_own_python(project: Path) -> None:
    """D4: `make package` as it is, held to its own check; the other tests take any Python."""
    if find(RUNTIME) is None:
        pytest.skip(
            f"no Python {RUNTIME}, which the functions run on, is installed (searched {SEARCHED})"
        )

    package(ROOT / "policies.yaml", project / "build")

    assert problems_of(project) == []
    edited(project / "policies.yaml", "env: prod", "env: production")
    assert problems_of(project) != []


def test_what_would_be_deployed_to_the_placeholder_account_is_named(project: Path) -> None:
    """The placeholder is a warning in `check`, and an error wherever something is deployed."""
    pretend_built(project, FUNCTIONS, version=RUNTIME)
    edit_deployment(project, "1000000000000001", "1234567890123456")

    found = check(project / "policies.yaml")

    assert found.problems == ()
    assert len(found.placeholders) == 1
    assert check(project / "policies.yaml", built=True).problems == found.placeholders
    status, output = run_cli(project, "check")
    assert status == 0
    assert "warning: deployment.yaml line" in output
    assert run_cli(project, "check", "--built")[0] == 1


def test_a_policy_file_without_a_deployment_has_nothing_to_deploy(project: Path) -> None:
    """`--built` reports it."""
    (project / "deployment.yaml").unlink()

    assert problems_of(project) == [
        "policies.yaml: no deployment.yaml in its folder, so nothing can be deployed"
    ]
