"""
The clients that call the emulator in tests: the list, the lock, the table of emulator/CLIENTS.md.

    python -m tests.clients.registry        write the table into emulator/CLIENTS.md

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
DOCUMENT = FOLDER.parents[1] / "emulator" / "CLIENTS.md"
BEGIN = "<!-- clients: written by `python -m tests.clients.registry` -->"
END = "<!-- end of clients -->"
NODE = "node"
Service = Literal["ECS", "SLS", "FC", "OSS", "RAM", "STS", "SMQ"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client in one mode, and what it was seen to do."""

    service: Service
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
_SLS_MONITORING = frozenset(
    f"{verb}{noun}" for noun in ("Alert", "Dashboard") for verb in ("Create", "Get", "Delete")
) | {"ListAlerts", "UpdateAlert"}

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
_RAM = frozenset(
    {
        *("CreateRole", "GetRole", "UpdateRole", "ListRoles", "DeleteRole"),
        *("CreatePolicy", "GetPolicy", "CreatePolicyVersion", "ListPolicyVersions", "DeletePolicy"),
        *("AttachPolicyToRole", "DetachPolicyFromRole", "ListPoliciesForRole"),
    }
)
_SMQ = frozenset(
    f"{batch}{verb}Message"
    for batch in ("", "Batch")
    for verb in ("Send", "Receive", "Peek", "Delete")
) | {"ChangeMessageVisibility"}
_OSS = frozenset({"PutBucket", "PutObject", "GetObject", "HeadObject", "DeleteObject"})


def _builds(
    service: Service,
    package: str,
    tour: str,
    actions: frozenset[str],
    *,
    locks: tuple[str, ...] = (NODE,),
    modes: tuple[str, ...] = ("",),
) -> tuple[Client, ...]:
    """Return the entries of one package: one for each lock and mode."""
    return tuple(
        Client(service=service, package=package, lock=lock, tour=tour, actions=actions, mode=mode)
        for lock in locks
        for mode in modes
    )


_ECS_LOCKS = ("ecs", "ecs-6", "ecs-5", "ecs-4", "ecs-3", "ecs-2", "ecs-1")
_VERSIONS = ("v1", "v4")
"""Of the signature."""

CLIENTS: tuple[Client, ...] = (
    *_builds("ECS", "alibabacloud-ecs20140526", "ecs_tea.py", _ECS, locks=_ECS_LOCKS),
    *_builds("ECS", "aliyun-python-sdk-ecs", "ecs_aliyun_sdk.py", _ECS, locks=("ecs", "ecs-4")),
    *_builds(
        "ECS",
        "apache-libcloud",
        "ecs_libcloud.py",
        _ECS_LISTINGS | _ECS_SNAPSHOTS,
        locks=("ecs",),
    ),
    *_builds("ECS", "@alicloud/ecs20140526", "ecs_node.js", _ECS),
    *_builds("ECS", "@alicloud/pop-core", "ecs_node_pop.js", _ECS, modes=("GET", "POST")),
    *_builds(
        "FC",
        "alibabacloud-fc20230330",
        "fc_v3.py",
        _FC | _FC_ASYNC | {"GetAsyncTask"},
        locks=("fc", "fc-4.1"),
    ),
    *_builds("FC", "aliyun-fc2", "fc_fc2.py", _FC_SERVICES | _FC | _FC_ASYNC, locks=("fc",)),
    *_builds("FC", "aliyun-fc2", "fc_fc2.py", _FC_SERVICES | _FC, locks=("fc-4.1",)),
    *_builds("FC", "@alicloud/fc20230330", "fc_node_v3.js", _FC | _FC_ASYNC | {"GetAsyncTask"}),
    *_builds("FC", "@alicloud/fc2", "fc_node_fc2.js", _FC_SERVICES | _FC | _FC_ASYNC),
    *_builds(
        "FC",
        "@alicloud/fc20230330",
        "fc_node_s_deploy.js",
        _S_DEPLOY,
        modes=("the calls of s deploy",),
    ),
    *_builds("OSS", "ali-oss", "oss_node_ali_oss.js", _OSS, modes=_VERSIONS),
    *_builds("OSS", "oss2", "oss_oss2.py", _OSS, locks=("oss-2",), modes=_VERSIONS),
    *_builds("OSS", "alibabacloud-oss-v2", "oss_v2.py", _OSS, locks=("oss",), modes=("v4",)),
    *_builds("RAM", "@alicloud/ram20150501", "ram_node.js", _RAM),
    *_builds("RAM", "@alicloud/pop-core", "ram_node_pop.js", _RAM, modes=("POST",)),
    *_builds(
        "STS",
        "@alicloud/sts20150401",
        "sts_node.js",
        frozenset({"GetCallerIdentity", "AssumeRole"}),
    ),
    *_builds("SMQ", "aliyun-mns-sdk", "smq_mns.py", _SMQ, locks=("smq",)),
    *_builds(
        "SLS",
        "aliyun-log-python-sdk",
        "sls_aliyun_log.py",
        _SLS | _SLS_SHARDS | {"PutLogs", "PullLogs"},
        locks=("sls", "sls-0.8"),
        modes=_VERSIONS,
    ),
    *_builds(
        "SLS",
        "alibabacloud-sls20201230",
        "sls_alibabacloud.py",
        _SLS | _SLS_SHARDS | {"PutLogs"},
        locks=("sls",),
        modes=_VERSIONS,
    ),
    *_builds("SLS", "@alicloud/log", "sls_node_log.js", _SLS | {"PutLogs"}),
    *_builds(
        "SLS",
        "@alicloud/sls20201230",
        "sls_node_sls20201230.js",
        _SLS | _SLS_SHARDS | _SLS_MONITORING,
        modes=_VERSIONS,
    ),
)


def of(service: str) -> list[Client]:
    """Return the clients of one service."""
    return [client for client in CLIENTS if client.service == service]


def table() -> str:
    """Return the table of clients, without its markers."""
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
    """Return the document's text with the table of today between the markers."""
    before, _, rest = text.partition(f"{BEGIN}\n")
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
    sys.stdout.write(f"{DOCUMENT.name}: the table of clients is that of {len(CLIENTS)} clients\n")
