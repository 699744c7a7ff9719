"""Runs a client's tour: the real client in a process of its own, at a served cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from emulator import Cloud
from emulator.server import Address
from tests.clients.registry import FOLDER, NODE, Client
from tests.installed import unavailable

REQUIRED = "REQUIRE_CLIENTS"
_TIME_LIMIT_S = 120


def tour(client: Client, cloud: Cloud, address: Address) -> Any:
    """
    Return what a client's tour printed; skips the test if the client is not installed.

    The tour has these variables and no others: `ECS_ENDPOINT`, `SLS_ENDPOINT`, `FC_ENDPOINT` and
    `OSS_ENDPOINT` of the first region, `RAM_ENDPOINT`, `STS_ENDPOINT`, `SMQ_ENDPOINT`, `REGION_ID`,
    `ACCOUNT_ID`, `ACCESS_KEY_ID`, `ACCESS_KEY_SECRET`, and `PACKAGE`, a zip file with a function
    that returns its event. SLS_ENDPOINT is a `localhost`, so that a client can put the project in
    front of it.
    """
    with TemporaryDirectory() as folder:
        package = Path(folder, "package.zip")
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", "def handler(event, context):\n    return event\n")
        done = _run(client, cloud, address, package)
    assert done.returncode == 0, f"{client}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])


def answered(cloud: Cloud) -> frozenset[str]:
    """Return the actions that the cloud answered without an error."""
    return frozenset(call.action for call in cloud.calls.all() if not call.code)


def _run(
    client: Client, cloud: Cloud, address: Address, package: Path
) -> subprocess.CompletedProcess[str]:
    region_id = cloud.regions[0]
    key = cloud.access_key
    return subprocess.run(
        [*_command(client), client.mode],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(FOLDER / "no-such-home"),
            "NODE_PATH": str(FOLDER / "node" / "node_modules"),
            "ECS_ENDPOINT": address.ecs[region_id],
            "SLS_ENDPOINT": address.sls.replace("127.0.0.1", "localhost"),
            "FC_ENDPOINT": address.fc[region_id],
            "OSS_ENDPOINT": address.oss[region_id],
            "RAM_ENDPOINT": address.ram,
            "STS_ENDPOINT": address.sts,
            "SMQ_ENDPOINT": address.smq[region_id],
            "PACKAGE": str(package),
            "REGION_ID": region_id,
            "ACCOUNT_ID": cloud.account_id,
            "ACCESS_KEY_ID": key.access_key_id,
            "ACCESS_KEY_SECRET": key.access_key_secret,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIME_LIMIT_S,
    )


def _command(client: Client) -> list[str]:
    script = str(FOLDER / "tours" / client.tour)
    if client.lock == NODE:
        installed = FOLDER / "node" / "node_modules" / ".installed"
        if not installed.exists() or not shutil.which("node"):
            _not_installed()
        return ["node", "--require", str(FOLDER / "loopback.js"), script]
    python = FOLDER / ".installed" / client.lock / "bin" / "python"
    if not python.with_name(".installed").exists():
        _not_installed()
    return [str(python), str(FOLDER / "loopback.py"), script]


def _not_installed() -> None:
    # One reason for all clients: pytest then prints one line.
    unavailable(
        "clients are not installed: `make clients` does that, and needs Node",
        required_by=REQUIRED,
    )
