"""A package for the wrong Python is rejected at its start, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.runtime.python_check import FILE, check


def test_another_python_is_rejected_with_what_to_do(tmp_path: Path) -> None:
    """Not somewhere in a library, with a message that names neither version."""
    (tmp_path / FILE).write_text("3.10\n")

    with pytest.raises(ImportError) as caught:
        check(tmp_path, running="3.12")

    message = str(caught.value)
    assert message.startswith("this package was built for Python 3.10 and runs on 3.12; ")
    assert "python3.10" in message
    assert "\n" not in message


def test_the_right_python_and_a_checkout_are_fine(tmp_path: Path) -> None:
    """A checkout raises nothing, and runs on any version that the tests run on."""
    check(tmp_path, running="3.12")
    (tmp_path / FILE).write_text("3.10\n")
    check(tmp_path, running="3.10")
