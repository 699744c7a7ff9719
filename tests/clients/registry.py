"""
The clients that are run against the local cloud: the list, the lock and the table of the README.

    python -m tests.clients.registry        write the table into emulator/README.md

Add a client: its package to a file in `python/` (then `make lock`) or to `node/package.json`
(then `npm install --package-lock-only --prefix tests/clients/node`), a tour, and an entry here.
A tour is a script that calls the served cloud by this client alone and prints one JSON object.
The test of its service holds what it prints, and that `actions` is what the cloud answered well.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent
README = FOLDER.parents[1] / "emulator" / "README.md"
BEGIN = "<!-- clients: written by `python -m tests.clients.registry` -->"
END = "<!-- end of clients -->"
NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client in one mode, and what it was seen to do."""

    service: Literal["ECS", "SLS", "FC", "OSS"]
    package: str
    """The name that its requirements file or `node/package.json` gives it."""
    lock: str
    """`node`, or the name of a requirements file in `python/`."""
    tour: str
    """A file in `tours/`."""
    actions: frozenset[str]
    """Every action that the cloud answers without an error during the tour."""
    mode: str = ""
    """The tour's one argument, such as the version of the signature."""

    def __str__(self) -> str:
        return "-".join(filter(None, (self.package, self.version, self.mode)))

    @property
    def version(self) -> str:
        """The version that the lock has."""
        if self.lock == NODE:
            lock = json.loads((FOLDER / "node" / "package-lock.json").read_text())
            return str(lock["packages"][f"node_modules/{self.package}"]["version"])
        return locked(FOLDER / "python" / f"{self.lock}.txt", self.package)


def locked(requirements: Path, package: str) -> str:
    """Return the version of a package in a requirements file."""
    name = re.escape(package).replace("_", "-")
    found = re.search(rf"^{name}==([^\s;\\]+)", requirements.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{requirements}: {package} is not locked; run `make lock`")
    return found[1]


_SLS = frozenset(
    {
        *("CreateProject", "GetProject", "DeleteProject"),
        *("CreateLogStore", "GetLogStore", "ListLogStore", "UpdateLogStore", "DeleteLogStore"),
        *("CreateIndex", "GetIndex", "UpdateIndex", "DeleteIndex"),
        *("GetLogs", "GetHistograms"),
    }
)
_SLS_SHARDS = frozenset({"ListProject", "ListShards", "GetCursor", "GetCursorTime"})

_ECS_LISTINGS = frozenset({"DescribeDisks", "DescribeInstances", "DescribeRegions"})
_ECS_SNAPSHOTS = frozenset({"CreateSnapshot", "DeleteSnapshot", "DescribeSnapshots"})
_ECS = _ECS_LISTINGS | _ECS_SNAPSHOTS | {"ListTagResources", "TagResources"}
_FC = frozenset(
    f"{verb}{noun}"
    for noun in ("Function", "Trigger")
    for verb in ("Create", "Get", "Update", "Delete")
) | {"ListFunctions", "ListTriggers", "InvokeFunction"}
_FC_ASYNC = frozenset(f"{verb}AsyncInvokeConfig" for verb in ("Put", "Get", "Delete"))
_FC_SERVICES = frozenset(f"{verb}Service" for verb in ("Create", "Get", "Update", "Delete")) | {
    "ListServices"
}
_S_DEPLOY = frozenset(
    f"{verb}{noun}" for noun in ("Function", "Trigger") for verb in ("Create", "Get", "Update")
) | {"GetTempBucketToken", "PutObject", "PutAsyncInvokeConfig"}
_OSS = frozenset({"PutBucket", "PutObject", "GetObject", "HeadObject", "DeleteObject"})

CLIENTS: tuple[Client, ...] = (
    *(
        Client(
            service="ECS",
            package="alibabacloud-ecs20140526",
            lock=lock,
            tour="ecs_tea.py",
            actions=_ECS,
        )
        for lock in ("ecs", "ecs-6", "ecs-5", "ecs-4", "ecs-3", "ecs-2")
    ),
    *(
        Client(
            service="ECS",
            package="aliyun-python-sdk-ecs",
            lock=lock,
            tour="ecs_aliyun_sdk.py",
            actions=_ECS,
        )
        for lock in ("ecs", "ecs-4")
    ),
    Client(
        service="ECS",
        package="apache-libcloud",
        lock="ecs",
        tour="ecs_libcloud.py",
        actions=_ECS_LISTINGS | _ECS_SNAPSHOTS,
    ),
    Client(
        service="ECS",
        package="@alicloud/ecs20140526",
        lock=NODE,
        tour="ecs_node.js",
        actions=_ECS,
    ),
    *(
        Client(
            service="ECS",
            package="@alicloud/pop-core",
            lock=NODE,
            tour="ecs_node_pop.js",
            actions=_ECS,
            mode=mode,
        )
        for mode in ("GET", "POST")
    ),
    *(
        Client(
            service="FC",
            package="alibabacloud-fc20230330",
            lock=lock,
            tour="fc_v3.py",
            actions=_FC | _FC_ASYNC | {"GetAsyncTask"},
        )
        for lock in ("fc", "fc-4.1")
    ),
    Client(
        service="FC",
        package="aliyun-fc2",
        lock="fc",
        tour="fc_fc2.py",
        actions=_FC_SERVICES | _FC | _FC_ASYNC,
    ),
    Client(
        service="FC",
        package="aliyun-fc2",
        lock="fc-4.1",
        tour="fc_fc2.py",
        actions=_FC_SERVICES | _FC,
    ),
    Client(
        service="FC",
        package="@alicloud/fc20230330",
        lock=NODE,
        tour="fc_node_v3.js",
        actions=_FC | _FC_ASYNC | {"GetAsyncTask"},
    ),
    Client(
        service="FC",
        package="@alicloud/fc2",
        lock=NODE,
        tour="fc_node_fc2.js",
        actions=_FC_SERVICES | _FC | _FC_ASYNC,
    ),
    Client(
        service="FC",
        package="@alicloud/fc20230330",
        lock=NODE,
        tour="fc_node_s_deploy.js",
        actions=_S_DEPLOY,
        mode="the calls of s deploy",
    ),
    *(
        Client(
            service="OSS",
            package=package,
            lock=lock,
            tour=tour,
            actions=_OSS,
            mode=mode,
        )
        for package, lock, tour in (
            ("ali-oss", NODE, "oss_node_ali_oss.js"),
            ("oss2", "oss", "oss_oss2.py"),
        )
        for mode in ("v1", "v4")
    ),
    Client(
        service="OSS",
        package="alibabacloud-oss-v2",
        lock="oss",
        tour="oss_v2.py",
        actions=_OSS,
        mode="v4",
    ),
    *(
        Client(
            service="SLS",
            package="aliyun-log-python-sdk",
            lock=lock,
            tour="sls_aliyun_log.py",
            actions=_SLS | _SLS_SHARDS | {"PutLogs", "PullLogs"},
            mode=mode,
        )
        for lock in ("sls", "sls-0.8")
        for mode in ("v1", "v4")
    ),
    *(
        Client(
            service="SLS",
            package="alibabacloud-sls20201230",
            lock="sls",
            tour="sls_alibabacloud.py",
            actions=_SLS | _SLS_SHARDS | {"PutLogs"},
            mode=mode,
        )
        for mode in ("v1", "v4")
    ),
    Client(
        service="SLS",
        package="@alicloud/log",
        lock=NODE,
        tour="sls_node_log.js",
        actions=_SLS | {"PutLogs"},
    ),
    *(
        Client(
            service="SLS",
            package="@alicloud/sls20201230",
            lock=NODE,
            tour="sls_node_sls20201230.js",
            actions=_SLS | _SLS_SHARDS,
            mode=mode,
        )
        for mode in ("v1", "v4")
    ),
)


def of(service: str) -> list[Client]:
    """Return the clients of one service."""
    return [client for client in CLIENTS if client.service == service]


def table() -> str:
    """Return the README's table of clients, without its markers."""
    rows = [
        "| service | client | version | language | mode | called |",
        "|---|---|---|---|---|---|",
    ]
    for client in CLIENTS:
        language = "Node" if client.lock == NODE else "Python"
        called = ", ".join(sorted(client.actions))
        rows.append(
            f"| {client.service} | {client.package} | {client.version} | {language}"
            f" | {client.mode or '-'} | {called} |"
        )
    return "\n".join(rows)


def with_table(text: str) -> str:
    """Return the README's text with the table of today between the markers."""
    before, _, rest = text.partition(f"{BEGIN}\n")
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
    sys.stdout.write(f"{README.name}: the table of clients is that of {len(CLIENTS)} clients\n")
