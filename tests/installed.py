"""What some tests need and not every machine has."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def unavailable(why: str, *, required_by: str) -> NoReturn:
    """Skip a test or a module; fail it if the variable `required_by` requires every tool."""
    if os.environ.get(required_by):
        pytest.fail(f"{why}, and {required_by} is set", pytrace=False)
    pytest.skip(why, allow_module_level=True)
