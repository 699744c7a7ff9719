"""
How long a cold start takes: from the start of the process to the first answered CreateSnapshot.

The package as it ships, compared with a naive function with and without valid bytecode. Each is a
fresh process on an emulator over HTTP; they are measured in turn.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from cli import package as builder
from cli.emulator_session import emulator_session
from emulator.interpreters import find

ROOT = Path(__file__).parent.parent
FLEET = ROOT / "emulator" / "fleets" / "demo.yaml"
DISK = "d-bp1web10000000000sys"
RUNS = 10

PEAK = """
(line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(line.split()[1])
"""
"""Prints the peak in KiB; not ru_maxrss, which includes the memory of the parent at the fork."""

CHILD = (
    """
import sys
from types import SimpleNamespace
folder, event = sys.argv[1:]
sys.path.insert(0, folder)
import index
function = SimpleNamespace(name="function", timeout=60)
context = SimpleNamespace(
    request_id="r-1", region="cn-hangzhou", account_id="1234567890123456", function=function,
)
answer = index.handler(event.encode(), context)
assert answer["status"] == "ok", answer
"""
    + PEAK
)


@dataclass(slots=True, kw_only=True)
class Variant:
    """One way to ship the same function, with its measurements."""

    name: str
    folder: Path
    times_s: list[float] = field(default_factory=list)
    peaks_kib: list[int] = field(default_factory=list)

    @property
    def zipped_mb(self) -> float:
        """The size of its package, zipped, in megabytes."""
        with tempfile.NamedTemporaryFile(suffix=".zip") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(self.folder.rglob("*")):
                    archive.write(path, path.relative_to(self.folder))
            return Path(file.name).stat().st_size / 1e6


def main() -> None:
    """Measure, and print a table."""
    version = builder.version_to_try()
    python = find(version) or sys.executable
    with tempfile.TemporaryDirectory() as work:
        variants = _variants(Path(work), version, python)
        for number in range(RUNS + 1):
            for variant in variants:
                _measure(variant, python, counts=number > 0)  # the first round warms the disk up
        _show(variants, version)


def _variants(work: Path, version: str, python: str) -> list[Variant]:
    folders = builder.package(ROOT / "policies.yaml", work / "package", version=version)
    (package,) = (folder for folder in folders if folder.name == "snapshot_on_schedule")
    plain, compiled = work / "naive", work / "naive-compiled"
    pinned = work / "naive.txt"
    # What the naive function imports, at the same versions: the SDK of FC 2.0, not that of 3.0.
    lines = (ROOT / "requirements" / "runtime.txt").read_text().splitlines()
    pins = [line.removesuffix(" \\") for line in lines if "==" in line and line[0] != " "]
    pinned.write_text("\n".join(pin for pin in pins if "-fc20230330" not in pin))
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet"]
    where = ["--target", str(plain), "--python-version", version, "-r", str(pinned)]
    subprocess.run([*uv, *where], check=True)  # noqa: S603 - no argument comes from outside
    shutil.copy(ROOT / "benchmarks" / "naive" / "index.py", plain)
    for cache in plain.rglob("__pycache__"):
        shutil.rmtree(cache)
    shutil.copytree(plain, compiled)
    builder.compile_for([compiled], python)
    return [
        Variant(name="naive, no valid bytecode", folder=plain),
        Variant(name="naive, valid bytecode", folder=compiled),
        Variant(name="the package", folder=package),
    ]


def _measure(variant: Variant, python: str, *, counts: bool) -> None:
    event = json.dumps({"key": "bench", "disk_ids": [DISK]})
    with emulator_session(FLEET, ROOT / "policies.yaml", speed=1.0) as session:
        # -S: no site-packages; -B: the code folder of a function is read-only.
        command = [
            python,
            "-I",
            "-S",
            "-B",
            "-W",
            "ignore",
            "-c",
            CHILD,
            str(variant.folder),
            event,
        ]
        started_at = datetime.now(timezone.utc)
        environment = {k: v for k, v in os.environ.items() if k != "POLICIES_FILE"}
        done = subprocess.run(  # noqa: S603 - no argument comes from outside
            command, check=True, capture_output=True, text=True, env=environment
        )
        (first, *_) = session.cloud.calls.of("CreateSnapshot")
    if counts:
        variant.times_s.append((first.at - started_at).total_seconds())
        variant.peaks_kib.append(int(done.stdout.split()[-1]))


def _show(variants: list[Variant], version: str) -> None:
    table = Table(title=f"Cold start, Python {version}, medians of {RUNS}", title_justify="left")
    for heading in ("", "to the first snapshot", "peak memory", "zipped"):
        table.add_column(heading, justify="right" if heading else "left")
    figures = [
        (median(one.times_s) * 1000, median(one.peaks_kib) / 1024, one.zipped_mb)
        for one in variants
    ]
    for variant, (time_ms, peak_mib, size_mb) in zip(variants, figures, strict=True):
        table.add_row(variant.name, f"{time_ms:.0f} ms", f"{peak_mib:.0f} MiB", f"{size_mb:.1f} MB")
    for number, name in enumerate(("first", "second")):
        ratios = [here / there for here, there in zip(figures[2], figures[number], strict=True)]
        table.add_row(f"the package / the {name}", *(f"{ratio:.2f}" for ratio in ratios))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
