"""
Every key of `deployment.yaml`: its rule, its meaning, examples.

The one source of what the file may contain. `file` reads with it; `python -m cli.deployment.schema`
writes it as deployment.schema.json. Defaults are those of the records in `model`.
"""

from __future__ import annotations

from cli.deployment.model import TOOLS, Deployment, FunctionSettings, Hosts, Log, NoDefaults, Vpc
from cli.deployment.names import FOLDERS
from cli.deployment.notify_keys import NOTIFY
from cli.deployment.rules import ByRegion, Multiple, OrVariable
from shared.policies.section import Key, Section
from shared.rules import Choice, ListOf, MapOf, Text, WholeNumber
from shared.validation import FLAG, REGION

RUNTIMES = ("python3.10", "python3.12")
"""The runtimes of Function Compute ("Runtimes") on which this code runs."""

_ACCOUNT = OrVariable(
    Text(form=r"[0-9]{5,20}", rule="must be the digits of an account id, in quotes")
)
_PROJECT = OrVariable(
    Text(
        form=r"[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])",
        rule="must be 3 to 63 of a-z, 0-9 and '-', and begin and end with a letter or digit",
    )
)
"""SLS, CreateProject, projectName."""
_LOGSTORE = OrVariable(
    Text(
        form=r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])",
        rule="must be 2 to 63 of a-z, 0-9, '-' and '_', and begin and end with a letter or digit",
    )
)
"""SLS, CreateLogStore, logstoreName."""
_QUEUE = Text(
    form=r"[A-Za-z0-9][A-Za-z0-9-]{0,119}",
    rule="must be 1 to 120 letters, digits and '-', and begin with a letter or digit",
)
"""Simple Message Queue, CreateQueue, QueueName."""
_HOST = OrVariable(
    Text(
        form=r"(?:https://)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?",
        rule="must be a host or https://HOST, without a path",
    )
)


def _id(prefix: str, what: str) -> OrVariable:
    return OrVariable(
        Text(
            form=rf"{prefix}-[0-9A-Za-z-]+",
            rule=f"must be the id of {what}, such as '{prefix}-bp1a2b3c4d5e'",
        )
    )


_VARIABLE_NAME = Text(
    form=r"[A-Za-z][A-Za-z0-9_]*",
    rule="must be letters, digits and '_', and begin with a letter",
    forbidden=(
        (r"^FC_", "must not begin with FC_, which Function Compute reserves"),
        (r"^ALIBABA_CLOUD_", "must not replace the credentials of the role"),
    ),
)
_TAG_TEXT = Text(length=(1, 128), forbidden=((r"^(?:aliyun|acs:)", "must not begin with it"),))

FUNCTION = Section(
    record=FunctionSettings,
    keys={
        "memory_mb": Key(
            Multiple(128, 32_768, 64),
            "Memory in MB. Default: 128, which is enough for 10,000 disks.",
            (256,),
        ),
        "cpu": Key(
            Multiple(0.05, 16, 0.05),
            "vCPU, on FC 3.0 only: 1 to 4 GB of memory for each. Default: half of the memory "
            "in GB, rounded up to a multiple of 0.05.",
            (0.1,),
        ),
        "timeout_s": Key(
            WholeNumber(1, 86_400),
            "Seconds after which a run continues in a new invocation. Default: that of the "
            "function, see docs/deployment.md.",
            (3600,),
        ),
        "vpc": Key(
            Section(
                record=Vpc,
                keys={
                    "vpc_id": Key(
                        _id("vpc", "a VPC"),
                        "The VPC.",
                        ("vpc-bp1a2b3c4d5e",),
                        required="name the VPC",
                    ),
                    "vswitch_ids": Key(
                        ListOf(item=_id("vsw", "a vSwitch"), what="a list of ids of vSwitches"),
                        "Its vSwitches.",
                        (["vsw-bp1a2b3c4d5e"],),
                        required="list at least one vSwitch",
                    ),
                    "security_group_id": Key(
                        _id("sg", "a security group"),
                        "Its security group.",
                        ("sg-bp1a2b3c4d5e",),
                        required="name the security group",
                    ),
                },
            ),
            "The VPC that the functions reach. Give them the hosts inside it by `hosts`.",
            ({"vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"], "security_group_id": "sg-1"},),
        ),
        "internet_access": Key(
            FLAG, "false: no access to the Internet, only to the VPC. Default: true.", (False,)
        ),
        "resource_group_id": Key(
            _id("rg", "a resource group"),
            "Resource group of the functions, on FC 3.0 only.",
            ("rg-bp67acfmxazb4p",),
        ),
        "tags": Key(
            MapOf(
                key=_TAG_TEXT,
                value=OrVariable(Text(length=(0, 128))),
                most=20,
                rule="must be at most 20 tags",
            ),
            "Tags of the functions, on FC 3.0 only.",
            ({"team": "storage"},),
        ),
        "environment": Key(
            MapOf(key=_VARIABLE_NAME, value=OrVariable(Text(), is_secret=True)),
            "Environment variables, see docs/configuration.md. Those that follow from other keys "
            "must not be given here.",
            ({"LOG_LEVEL": "DEBUG"},),
        ),
    },
)


FILE = Section(
    record=Deployment,
    keys={
        "region": Key(
            REGION,
            "Region of the functions, their log, their queue and the events.",
            ("cn-hangzhou",),
            required="name the region of the functions",
        ),
        "account_id": Key(
            _ACCOUNT,
            "Id of the account. `ecsnap setup --apply` finds it and writes it here.",
            ("1234567890123456", "${config('AccountID')}"),
            nullable=False,
        ),
        "tools": Key(
            ListOf(item=Choice(TOOLS), what="a list of tools"),
            "The tools that deploy: s (Serverless Devs, FC 3.0), fun (Fun, FC 2.0), or both. Each "
            "has its template.",
            (["s"],),
        ),
        "runtime": Key(
            Choice(RUNTIMES), "Runtime of the functions.", ("python3.12",), nullable=False
        ),
        "log": Key(
            Section(
                record=Log,
                keys={
                    "project": Key(
                        _PROJECT,
                        "SLS project. Default: snapshot-automation-ACCOUNT-REGION, because the "
                        "name must be unique over all accounts of the region.",
                        ("my-company-snapshots",),
                    ),
                    "logstore": Key(
                        _LOGSTORE, "Logstore in it, for the records.", ("records",), nullable=False
                    ),
                    "retention_days": Key(
                        WholeNumber(1, 3650),
                        "How long SLS keeps a record; 3650: for ever.",
                        (365,),
                        nullable=False,
                    ),
                },
            ),
            "Where the records go.",
            ({"retention_days": 365},),
        ),
        "queue": Key(
            _QUEUE,
            "Queue for what Function Compute could not carry out. Default: snapshot-failures.",
            ("snapshot-failures",),
        ),
        "hosts": Key(
            Section(
                record=Hosts,
                keys={
                    "ecs": Key(
                        ByRegion(REGION, _HOST),
                        "Host of ECS for the functions' own region, or a mapping of regions to "
                        "hosts.",
                        ("ecs-vpc.cn-hangzhou.aliyuncs.com",),
                    ),
                    "sls": Key(_HOST, "Host of SLS.", ("cn-hangzhou-intranet.log.aliyuncs.com",)),
                    "fc": Key(
                        _HOST,
                        "Host of Function Compute, for calls of the functions.",
                        ("1234567890123456.cn-hangzhou-internal.fc.aliyuncs.com",),
                    ),
                },
            ),
            "Hosts that the functions call instead of the default ones of their region.",
            ({"sls": "cn-hangzhou-intranet.log.aliyuncs.com"},),
        ),
        "functions": Key(
            Section(
                record=NoDefaults,
                keys={
                    name: Key(
                        FUNCTION,
                        "Settings of all functions."
                        if name == "all"
                        else f"Settings of {name}, over those of all, key by key.",
                        ({"memory_mb": 256},),
                    )
                    for name in ("all", *FOLDERS)
                },
            ),
            "Settings of the functions.",
            ({"all": {"memory_mb": 256}},),
        ),
        "notify": NOTIFY,
    },
)
