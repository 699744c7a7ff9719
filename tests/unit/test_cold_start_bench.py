"""`make bench-cold` measures the memory of the function's process alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.cold_start import CHILD, PEAK

LARGE = 200 * 1024 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the bench reads /proc, which Linux has")
def test_the_peak_is_without_the_memory_of_the_process_that_started_it() -> None:
    """`ru_maxrss` of a child begins with what its parent had when it forked."""
    assert CHILD.endswith(PEAK)
    held = bytearray(LARGE)
    held[::4096] = b"x" * len(held[::4096])

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PEAK], capture_output=True, text=True, check=True
    )

    assert len(held) == LARGE
    assert 0 < int(done.stdout) * 1024 < LARGE
