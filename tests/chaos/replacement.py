"""Replaces an attribute of a module for the duration of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def replaced(owner: ModuleType | type, name: str, value: object) -> Iterator[None]:
    """Give an attribute of a module or a class another value until the block ends."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
