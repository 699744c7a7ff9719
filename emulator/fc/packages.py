"""
A function's code: a zip file, unpacked once, and the same ever after.

In the service the code folder cannot be written. Here it is an ordinary folder
whose entries are compared before and after each invocation.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
import shutil
import stat
import tempfile
import threading
import time
import weakref
import zipfile
from functools import cached_property
from pathlib import Path, PurePosixPath

from emulator.crc64 import crc64
from emulator.fc.errors import invalid_argument

_State = dict[str, tuple[int, int, int]]


class Code:
    """One version of a function's code; its folder goes with it."""

    def __init__(self, zip_bytes: bytes, *, max_bytes: int | None = None) -> None:
        if max_bytes is not None and len(zip_bytes) > max_bytes:
            raise invalid_argument(f"code is over {max_bytes} bytes")
        self.size = len(zip_bytes)
        self._zip = zip_bytes
        self._folder: Path | None = None
        self._clean: _State = {}
        self._lock = threading.Lock()
        _check(zip_bytes)

    @cached_property
    def checksum(self) -> str:
        """The CRC-64 of the zip file, in decimal."""
        return crc64(self._zip)

    def folder(self) -> Path:
        """Return where it is unpacked."""
        with self._lock:
            if self._folder is None:
                top = Path(tempfile.mkdtemp(prefix="fc-code-"))
                weakref.finalize(self, shutil.rmtree, top, ignore_errors=True)
                self._folder = top / "code"
                self._unpack(self._folder)
            return self._folder

    def changes(self) -> list[str]:
        """Return the paths that are not as they were unpacked, sorted; none is as it must be."""
        if self._folder is None:
            return []
        now = _state(self._folder)
        return sorted(
            path for path in {*now, *self._clean} if now.get(path) != self._clean.get(path)
        )

    def restore(self) -> None:
        """Unpack it again, over whatever is there."""
        with self._lock:
            if self._folder is not None:
                shutil.rmtree(self._folder)
                self._unpack(self._folder)

    def _unpack(self, folder: Path) -> None:
        folder.mkdir()
        with zipfile.ZipFile(io.BytesIO(self._zip)) as archive:
            for entry in archive.infolist():
                _extract(archive, entry, folder)
        self._clean = _state(folder)


def decoded(text: str) -> bytes:
    """Return the zip file that travels as `code.zipFile`; raises InvalidArgument."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise invalid_argument(f"code.zipFile is not base64: {exc}") from exc


def from_folder(folder: Path) -> Code:
    """Return a folder's files as they are now."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return Code(packed.getvalue())


def from_text(text: str) -> Code:
    """Return the code of one file, index.py."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", text)
    return Code(packed.getvalue())


def _check(zip_bytes: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(zip_bytes)) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as exc:
        raise invalid_argument(f"code is not a zip file: {exc}") from exc
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise invalid_argument(f"code has an entry outside of it: {name}")


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    mode = entry.external_attr >> 16
    path = folder / entry.filename
    if stat.S_ISLNK(mode):
        # A link out of the package dangles in the service, where there is nothing to link to.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(archive.read(entry).decode())
        return
    if not path.resolve().is_relative_to(folder.resolve()):
        raise invalid_argument(f"code has an entry outside of it: {entry.filename}")
    archive.extract(entry, folder)
    if mode and not entry.is_dir():
        path.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)
    # Bytecode may be held to its source's time.
    modified_s = time.mktime((*entry.date_time, 0, 0, -1))
    os.utime(path, (modified_s, modified_s))


def _state(folder: Path) -> _State:
    """Return a fingerprint that changes with any write: no program can set a file's change time."""
    found: _State = {}
    for path in [folder, *folder.rglob("*")]:
        about = path.lstat()
        # Reading changes nothing here; that a folder got an entry shows in its own times.
        found[path.relative_to(folder).as_posix()] = (
            about.st_size,
            about.st_mtime_ns,
            about.st_ctime_ns,
        )
    return found
