"""Where the page is written: wholly or not at all, and only in place of a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_NEW = 0o666
"""Who may read a new file, before the umask; a temporary file is its owner's alone."""


class PageFileError(Exception):
    """The file cannot be written; the message names it and the cause."""


@contextmanager
def page_file(path: Path) -> Iterator[PageFile]:
    """
    Yield a file that replaces `path` when it is saved; until then `path` is what it was.

    A temporary file is made beside it at once, so a path that cannot be written is found before
    anything is read.

    Raises:
        PageFileError: No file can be written there.

    """
    named = f"--html: {path}"
    # Of a link, the file that it names is replaced.
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "not a regular file"
        raise PageFileError(f"{named}: is {kind}; name a file")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as exc:
        raise PageFileError(f"{named}: cannot be written: {exc.strerror}") from exc
    os.close(handle)
    try:
        yield PageFile(named=named, target=target, temporary=Path(name))
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """A file that is not written yet."""

    named: str
    """As messages name it."""
    target: Path
    temporary: Path

    def save(self, text: str) -> None:
        """Write it, once; raises PageFileError."""
        try:
            self.temporary.write_text(text, encoding="utf-8", newline="\n")
            self.temporary.chmod(_mode(self.target))
            self.temporary.replace(self.target)
        except OSError as exc:
            raise PageFileError(f"{self.named}: cannot be written: {exc.strerror}") from exc


def _mode(target: Path) -> int:
    """Return the permissions of a file; of one that is not there yet, those of a new one."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return _NEW & ~mask
