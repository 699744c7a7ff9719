"""The README and the requests of docs/operations.md: what they show is what happens."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from shared.errors import Problems
from shared.policies.policy_file import load_policies
from shared.runtime.json_yaml import parse_yaml
from shared.triggers.parsing import parse_trigger
from shared.triggers.trigger import Direct

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECORDS = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
MAX_PICTURE_BYTES = 200_000
REQUESTS = (ROOT / "docs" / "requests.md").read_text(encoding="utf-8")


def shown(language: str, text: str = README) -> str:
    """The only block of a language."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return str(block)


def test_the_output_of_the_demo_is_real() -> None:
    """Each line is one that `make demo` prints in a terminal of 80 columns, in that order."""
    done = subprocess.run(
        ["make", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "80", "PYTHONWARNINGS": "default"},
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = dict.fromkeys(line.rstrip() for line in done.stdout.splitlines())

    lines = shown("text").splitlines()
    assert len(lines) >= 6
    assert [line for line in printed if line in lines] == lines


def test_the_picture_that_is_shown_is_there_and_small() -> None:
    """`make picture` writes it; a clone downloads it."""
    (name,) = re.findall(r"^!\[[^\]]+\]\(([^)]+)\)$", README, re.MULTILINE)
    picture = (ROOT / name).read_bytes()

    assert picture.startswith(b"\x89PNG")
    assert len(picture) < MAX_PICTURE_BYTES


def test_the_policies_that_are_shown_are_valid() -> None:
    """A newcomer copies them."""
    problems = Problems()
    raw = parse_yaml(shown("yaml").encode(), "README.md", problems)

    file = load_policies(raw, problems)

    assert [policy.name for policy in file.policies] == ["nightly-production", "instance-stopped"]


def test_the_direct_requests_that_are_shown_are_valid() -> None:
    """Each line is one."""
    requests = shown("json", REQUESTS).splitlines()

    assert requests
    for request in requests:
        parsed = parse_trigger(request.encode(), kind="timer", account_id="", region="cn-hangzhou")
        assert not list(parsed.problems), request
        assert [type(trigger) for trigger in parsed.triggers] == [Direct]


def test_the_query_that_is_shown_is_one_of_the_tested_queries() -> None:
    """tests/project/test_records_document.py runs those of docs/records.md on the emulator."""
    (query,) = re.findall(r"`(record: disk and [^`]+)`", README)

    assert f"| `{query}` |" in RECORDS
