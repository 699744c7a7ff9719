"""A page replaces a file wholly, or leaves it alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.page.file import PageFileError, page_file


def test_an_old_page_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """And keeps its permissions."""
    path = tmp_path / "page.html"
    path.write_text("old")
    path.chmod(0o640)
    with page_file(path) as file:
        assert path.read_text() == "old"
        file.save("new ✓")

    assert path.read_text(encoding="utf-8") == "new ✓"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_what_goes_wrong_leaves_the_old_page_and_no_other_file(tmp_path: Path) -> None:
    """A half page would look like a whole one."""
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(KeyError), page_file(path):
        raise KeyError

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_page_can_be_read_like_any_new_file(tmp_path: Path) -> None:
    """Not by its owner alone, as a temporary file can."""
    before = os.umask(0o027)
    try:
        with page_file(tmp_path / "page.html") as file:
            file.save("new")
    finally:
        os.umask(before)

    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file that it names is written."""
    (tmp_path / "link.html").symlink_to(tmp_path / "page.html")
    with page_file(tmp_path / "link.html") as file:
        file.save("new")

    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "page.html").read_text() == "new"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".", "is a folder; name a file"),
        ("missing/page.html", "cannot be written: No such file or directory"),
        ("a-file/page.html", "cannot be written: Not a directory"),
        ("/dev/null", "is not a regular file; name a file"),
    ],
)
def test_a_path_that_cannot_be_written_is_named(tmp_path: Path, name: str, why: str) -> None:
    """Before anything is read."""
    (tmp_path / "a-file").write_text("")
    with pytest.raises(PageFileError) as raised, page_file(tmp_path / name):
        pytest.fail("nothing may be read")

    assert str(raised.value) == f"--html: {tmp_path / name}: {why}"
