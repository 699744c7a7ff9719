"""A function's code, as it was packed and as it is unpacked."""

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.fc.errors import FcError
from emulator.fc.packages import Code, from_folder


def zipped(write: Callable[[zipfile.ZipFile], None]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        write(archive)
    return packed.getvalue()


def link(name: str, target: str) -> Callable[[zipfile.ZipFile], None]:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return lambda archive: archive.writestr(entry, target)


def test_a_folder_is_unpacked_as_it_was(tmp_path: Path) -> None:
    """Names, contents, times to two seconds, and what may be executed."""
    (tmp_path / "library").mkdir()
    (tmp_path / "index.py").write_text("x = 1\n")
    (tmp_path / "library" / "tool").write_bytes(b"\x00\x01")
    (tmp_path / "library" / "tool").chmod(0o755)
    os.utime(tmp_path / "index.py", (1_700_000_000, 1_700_000_000))

    code = from_folder(tmp_path)
    folder = code.folder()

    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    assert files == ["index.py", "library", "library/tool"]
    assert (folder / "library" / "tool").read_bytes() == b"\x00\x01"
    assert os.access(folder / "library" / "tool", os.X_OK)
    assert (folder / "index.py").stat().st_mtime == 1_700_000_000


def test_a_link_stays_a_link_and_dangles() -> None:
    """Funcraft packs links as links; what they lead to on the machine that packed is not here."""
    code = Code(zipped(link("linked.py", "/nowhere/at/all.py")))
    folder = code.folder()

    assert (folder / "linked.py").is_symlink()
    assert not (folder / "linked.py").exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A package with a link out, and a file behind it."""

    def write(archive: zipfile.ZipFile) -> None:
        link("out", str(tmp_path))(archive)
        archive.writestr("out/written.py", "x = 1")

    with pytest.raises(FcError, match="outside"):
        Code(zipped(write)).folder()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../up.py", "/etc/absolute.py", "a/../../up.py"])
def test_a_name_outside_is_rejected(name: str) -> None:
    """Before anything is unpacked."""
    with pytest.raises(FcError, match="outside"):
        Code(zipped(lambda archive: archive.writestr(name, "x")))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "new").touch(),
        lambda folder: (folder / "index.py").write_text("x = 2\n"),
        lambda folder: (folder / "index.py").unlink(),
        lambda folder: (folder / "index.py").chmod(0o600),
        lambda folder: os.utime(folder / "index.py"),
    ],
)
def test_every_change_is_found_and_undone(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """Also one of the same size that sets its time back: the change time cannot be set."""
    (tmp_path / "index.py").write_text("x = 1\n")
    code = from_folder(tmp_path)
    folder = code.folder()
    assert code.changes() == []

    change(folder)
    found = code.changes()
    code.restore()

    assert found
    assert code.changes() == []
    assert (folder / "index.py").read_text() == "x = 1\n"


def test_its_folder_goes_with_it(tmp_path: Path) -> None:
    """Nothing stays behind in the machine's own temporary folder."""
    code = from_folder(tmp_path)
    folder = code.folder()
    assert folder.exists()

    del code

    assert not folder.exists()


def test_the_same_code_has_the_same_checksum(tmp_path: Path) -> None:
    """And other code another one."""
    (tmp_path / "index.py").write_text("x = 1\n")
    first, second = from_folder(tmp_path), from_folder(tmp_path)
    (tmp_path / "index.py").write_text("x = 2\n")

    assert first.checksum == second.checksum != from_folder(tmp_path).checksum
