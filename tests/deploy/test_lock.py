"""The tools are locked: one version each, with a hash, from the registry that npm is set to."""

from __future__ import annotations

import json
from pathlib import Path

LOCK = json.loads((Path(__file__).parent / "node" / "package-lock.json").read_text())


def test_every_package_has_a_hash_and_no_address() -> None:
    """Fetched from any address in a lock file, whatever the configuration of npm is."""
    packages = {name: one for name, one in LOCK["packages"].items() if name}

    assert [name for name, one in packages.items() if "resolved" in one] == []
    bundled = {name for name, one in packages.items() if one.get("inBundle")}
    assert [name for name, one in packages.items() if "integrity" not in one] == sorted(bundled)


def test_both_tools_have_one_version() -> None:
    """The facts that the project relies on were found with these."""
    assert LOCK["packages"][""]["dependencies"] == {
        "@alicloud/fun": "3.6.24",
        "@serverless-devs/s": "3.1.10",
    }
