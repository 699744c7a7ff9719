"""One search finds a Python for packages, functions and tests, and takes only what works."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from emulator.interpreters import OWN, find

VERSION = "3.99"
"""No real one, so that only what a test puts somewhere can be found."""
WORKS = "cpython-399 0"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no Python but the one that runs the tests."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def put(path: Path, answer: str = WORKS, status: int = 0) -> str:
    """Put something there that answers as an interpreter would, with its own path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}' \"$0\"\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "where",
    [
        "bin/python3.99",
        "bin/python3",
        "bin/python",
        "home/.pyenv/versions/3.99.1/bin/python3.99",
        "home/.pyenv/versions/3.99-dev/bin/python3.99",
        "home/.local/share/uv/python/cpython-3.99.1-linux-x86_64-gnu/bin/python3.99",
    ],
)
def test_is_found_on_path_in_pyenv_and_in_uv(tmp_path: Path, where: str) -> None:
    """Whatever it is called, and whether or not pyenv has it active."""
    path = put(tmp_path / where)

    assert find(VERSION) == path


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("PYENV_ROOT", "versions/3.99.1/bin"),
        ("UV_PYTHON_INSTALL_DIR", "cpython-3.99.1-macos-aarch64-none/bin"),
        ("XDG_DATA_HOME", "uv/python/cpython-3.99.1-linux-x86_64-gnu/bin"),
    ],
)
def test_both_tools_may_keep_theirs_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, folder: str
) -> None:
    """Each says where by a variable of its own."""
    monkeypatch.setenv(variable, str(tmp_path / "kept"))
    path = put(tmp_path / "kept" / folder / "python3.99")

    assert find(VERSION) == path


def test_a_shim_that_answers_with_an_error_hides_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pyenv's does where no version of its name is active; the next on PATH counts."""
    put(tmp_path / "shims" / "python3.99", status=127)
    path = put(tmp_path / "later" / "python3.99")
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}:{tmp_path / 'later'}")

    assert find(VERSION) == path


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (WORKS, 127),
        ("cpython-398 0", 0),
        ("cpython-399 1", 0),  # free-threaded
        ("pypy399-pp73 0", 0),
        ("", 0),
    ],
)
def test_what_is_no_such_python_does_not_count(tmp_path: Path, answer: str, status: int) -> None:
    """Its bytecode would be no function's, or there would be none."""
    for name in ("python3.99", "python3", "python"):
        put(tmp_path / "bin" / name, answer, status)

    assert find(VERSION) is None


def test_what_cannot_be_run_does_not_count(tmp_path: Path) -> None:
    """An empty file, a program of another machine."""
    path = Path(put(tmp_path / "bin" / "python3.99"))
    path.write_bytes(b"\x7fELF of another machine")

    assert find(VERSION) is None


def test_of_several_releases_the_newest_counts(tmp_path: Path) -> None:
    """By number, not by letter."""
    versions = tmp_path / "home" / ".pyenv" / "versions"
    put(versions / "3.99.9" / "bin" / "python3.99")
    newest = put(versions / "3.99.10" / "bin" / "python3.99")

    assert find(VERSION) == newest


def test_the_one_that_runs_this_is_found_on_no_path_at_all() -> None:
    """Its own version needs no search."""
    found = find(OWN)

    assert found is not None
    assert Path(found).resolve() == Path(sys.executable).resolve()
