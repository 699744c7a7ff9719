"""`deployment.yaml`: what it may contain, and the messages about what it may not."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from cli.check import check
from cli.deployment.file import read_deployment
from cli.deployment.functions import functions_of, settings_of
from cli.deployment.model import Deployment, FunctionSettings, Hosts, Log, Vpc, Webhook
from shared.policies.policy import PolicyFile
from tests.shipped import PROJECT, ROOT

POLICIES: PolicyFile = PROJECT.policies


def read(folder: Path, text: str) -> Deployment:
    (folder / "deployment.yaml").write_text(text)
    found = read_deployment(folder / "deployment.yaml")
    assert found.problems == ()
    assert found.deployment is not None
    return found.deployment


def problems(folder: Path, text: str) -> list[str]:
    """Return what `check` finds in a file, with the policies that ship; not the templates."""
    shutil.copy(ROOT / "policies.yaml", folder)
    (folder / "deployment.yaml").write_text(text)
    return list(check(folder / "policies.yaml").problems)


def warnings(folder: Path, text: str) -> list[str]:
    assert problems(folder, text) == []
    return list(check(folder / "policies.yaml").warnings)


def test_a_region_is_enough(tmp_path: Path) -> None:
    """Everything else has a default; the project contains account and region."""
    deployment = read(tmp_path, "region: cn-beijing\naccount_id: '42424'\n")

    assert deployment == Deployment(region="cn-beijing", account_id="42424")
    for function in functions_of(deployment, POLICIES):
        assert function.project == "snapshot-automation-42424-cn-beijing"
        assert (function.logstore, function.memory_mb, function.cpu) == ("records", 128, 0.1)


EVERYTHING = """
region: cn-hangzhou
account_id: "${config('AccountID')}"
tools: [s]
runtime: python3.12
log: {project: mine, logstore: r2, retention_days: 3650}
queue: dead-letters
hosts:
  ecs: {cn-hangzhou: ecs-vpc.cn-hangzhou.aliyuncs.com, cn-beijing: ecs.cn-beijing.aliyuncs.com}
  sls: cn-hangzhou-intranet.log.aliyuncs.com
  fc: 42.cn-hangzhou-internal.fc.aliyuncs.com
functions:
  all:
    memory_mb: 256
    vpc: {vpc_id: vpc-1, vswitch_ids: ["${env(VSWITCH)}"], security_group_id: sg-1}
    internet_access: false
    resource_group_id: rg-1
    tags: {team: storage, cost: "1"}
    environment: {LOG_LEVEL: INFO, A: "1"}
  snapshot_on_schedule: {memory_mb: 512, cpu: 0.25, tags: {cost: "2"}, environment: {A: "2"}}
notify:
  dingtalk:
    url: "https://oapi.dingtalk.com/robot/send?access_token=${env(DINGTALK)}"
    secret: "${env(DINGTALK_SECRET)}"
  mail: ops@example.com
"""


def test_every_key_is_read(tmp_path: Path) -> None:
    """A VPC with its switch and security group, tags, a resource group, hosts, variables."""
    deployment = read(tmp_path, EVERYTHING)

    vpc = Vpc(vpc_id="vpc-1", vswitch_ids=("${env(VSWITCH)}",), security_group_id="sg-1")
    assert deployment.log == Log(project="mine", logstore="r2", retention_days=3650)
    assert deployment.hosts == Hosts(
        ecs={
            "cn-hangzhou": "ecs-vpc.cn-hangzhou.aliyuncs.com",
            "cn-beijing": "ecs.cn-beijing.aliyuncs.com",
        },
        sls="cn-hangzhou-intranet.log.aliyuncs.com",
        fc="42.cn-hangzhou-internal.fc.aliyuncs.com",
    )
    assert settings_of("snapshot_on_schedule", deployment) == FunctionSettings(
        memory_mb=512,
        cpu=0.25,
        vpc=vpc,
        internet_access=False,
        resource_group_id="rg-1",
        tags={"team": "storage", "cost": "2"},
        environment={"LOG_LEVEL": "INFO", "A": "2"},
    )
    assert settings_of("resume_runs", deployment).environment == {"LOG_LEVEL": "INFO", "A": "1"}
    assert deployment.notify is not None
    assert deployment.notify.mail == ("ops@example.com",)
    assert deployment.notify.dingtalk == Webhook(
        url="https://oapi.dingtalk.com/robot/send?access_token=${env(DINGTALK)}",
        secret="${env(DINGTALK_SECRET)}",
    )


REGION = "region: cn-hangzhou\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("region: cn-hangzho\n", "line 1: region: 'cn-hangzho': unknown region; did you mean"),
        ("account_id: '1'\n", "region: is required; name the region"),
        (REGION + "acount_id: '42424'\n", "line 2: acount_id: '42424': unknown key"),
        (REGION + "acount_id: '42424'\n", "did you mean 'account_id'?"),
        (REGION + "account_id: 1234567890\n", "account_id: 1234567890: must be a text"),
        (REGION + "account_id: mine\n", "must be the digits of an account id"),
        (REGION + "log: {retention_days: 0}\n", "log.retention_days: 0: must be a whole number"),
        (REGION + "log: {project: My_Project}\n", "log.project: 'My_Project': must be 3 to 63"),
        (REGION + "tools: [terraform]\n", "tools[0]: 'terraform': must be 's' or 'fun'"),
        (REGION + "runtime: python3.11\n", "runtime: 'python3.11': must be 'python3.10' or"),
        (REGION + "functions: {al: {}}\n", "functions.al: {}: unknown key"),
        (REGION + "functions: {all: {memory_mb: 100}}\n", "multiple of 64 from 128 to 32768"),
        (REGION + "functions: {all: {memory_mb: 128, cpu: 2}}\n", "1 to 4 GB of memory for each"),
        (REGION + "functions: {all: {cpu: 0.07}}\n", "must be a multiple of 0.05"),
        (REGION + "functions: {all: {vpc: {vpc_id: vpc-1}}}\n", "vswitch_ids: is required"),
        (REGION + "functions: {all: {vpc: {vpc_id: sg-1}}}\n", "'sg-1': must be the id of a VPC"),
        (REGION + "functions: {all: {environment: {FC_X: y}}}\n", "which Function Compute rese"),
        (
            REGION + "functions: {all: {environment: {ALIBABA_CLOUD_X: y}}}\n",
            "must not replace the credentials of the role",
        ),
        (
            REGION + "functions: {all: {environment: {SLS_PROJECT: x}}}\n",
            "functions.all.environment.SLS_PROJECT: must not be set here, because it follows from",
        ),
        (REGION + "functions: {all: {environment: {A: '${vars.x}'}}}\n", "must be ${env(NAME)}"),
        (REGION + "functions: {all: {environment: {A: '${env(1)}'}}}\n", "must be ${env(NAME)}"),
        (REGION + "hosts: {sls: 'https://127.0.0.1:80'}\n", "hosts.sls: loopback address"),
        (REGION + "queue: a/b\n", "queue: 'a/b': must be 1 to 120 letters"),
        ("- 1\n", "deployment.yaml: [1]: must be a mapping"),
        ("region: [\n", "deployment.yaml line 2: '': must be YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_rule(
    tmp_path: Path, text: str, problem: str
) -> None:
    """A placeholder is none of them: `setup` replaces it."""
    found = "\n".join(problems(tmp_path, text))

    assert "deployment.yaml" in found
    assert problem in found


def test_all_mistakes_of_both_files_are_named_at_once(tmp_path: Path) -> None:
    """An operator corrects them in one go."""
    text = (
        "region: cn-hangzho\nlog: {retention_days: 0}\nnotify: {slack: {url: 'http://x.example'}}\n"
    )
    (tmp_path / "deployment.yaml").write_text(text)
    (tmp_path / "policies.yaml").write_text(
        "deployment: main\n"
        "timers: {t: {cron: '0 0 2 31 2 *'}}\n"
        "policies:\n"
        "  - {name: n, on: {timer: tt}, select: {all: true}}\n"
    )

    found = "\n".join(check(tmp_path / "policies.yaml").problems)

    for part in (
        "deployment.yaml line 1: region:",
        "deployment.yaml line 2: log.retention_days:",
        "deployment.yaml line 3: notify.slack.url: must be an https:// address",
        "policies.yaml line 2: timers.t.cron:",
        "policies.yaml line 4: policy n: policies[0].on.timer: 'tt': no such timer",
    ):
        assert part in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "hunter2"),
        ("POLICIES_FILE", "hunter2.yaml"),
        ("SECRET", "hunter2" * 700),
        ("SECRET", "${hunter2}"),
        ("OTHER", "[hunter2]"),
    ],
)
def test_a_variable_that_the_functions_reject_is_named_without_its_value(
    tmp_path: Path, name: str, value: str
) -> None:
    """N5: by the functions' own rules."""
    shown = value if value.startswith("[") else f"'{value}'"
    text = f"{REGION}functions:\n  all:\n    environment:\n      {name}: {shown}\n"

    found = "\n".join(problems(tmp_path, text))

    path = "environment" if name == "SECRET" and "$" not in value else f"environment.{name}"
    assert re.search(rf"deployment.yaml line \d: functions.all.{path}: ", found)
    assert "hunter2" not in found


def test_a_packaged_policy_file_may_be_named(tmp_path: Path) -> None:
    """All files in a function's folder go into its package."""
    text = REGION + "functions: {all: {environment: {POLICIES_FILE: /code/policies.json}}}\n"

    assert problems(tmp_path, text) == []


@pytest.mark.parametrize(
    ("hosts", "warning"),
    [
        ("ecs: ecs.cn-beijing.aliyuncs.com", "the host belongs to another region"),
        ("ecs: {cn-beijing: ecs-vpc.cn-shanghai.aliyuncs.com}", "the host belongs to another"),
        ("ecs: {cn-bejing: ecs.example.com}", "unknown region; did you mean 'cn-beijing'?"),
        ("fc: fcv3.eu-west-1.aliyuncs.com", "the host belongs to another region"),
    ],
)
def test_a_host_that_may_be_wrong_is_a_warning(tmp_path: Path, hosts: str, warning: str) -> None:
    """N1: the table of regions may be older than a region."""
    found = "\n".join(warnings(tmp_path, f"{REGION}hosts: {{{hosts}}}\n"))

    assert "deployment.yaml line 2: hosts." in found
    assert warning in found


def test_hosts_inside_a_vpc_are_good(tmp_path: Path) -> None:
    """Also the host of SLS in another region, which only records need."""
    hosts = "ecs: ecs-vpc.cn-hangzhou.aliyuncs.com, sls: eu-west-1.log.aliyuncs.com"

    assert warnings(tmp_path, f"{REGION}hosts: {{{hosts}}}\n") == []


@pytest.mark.parametrize(
    ("functions", "warning"),
    [
        ("all: {environment: {SNAPSHOTS_PAUSED: 'False'}}", "its value does not pause"),
        ("all: {environment: {SNAPSHOTS_PAUSED: hunter2}}", "the functions take no snapshots"),
        ("all: {environment: {LOG_LEVEL: debug}}", "in capitals"),
        ("all: {environment: {SNAPSHOT_PAUSED: x}}", "did you mean 'SNAPSHOTS_PAUSED'?"),
        ("resume_runs: {tags: {a: b}}", "functions.resume_runs.tags: Fun cannot set tags"),
        ("all: {resource_group_id: rg-1}", "Fun cannot set a resource group"),
    ],
)
def test_what_is_slightly_off_is_a_warning(tmp_path: Path, functions: str, warning: str) -> None:
    """N5: it works, and whoever reads the file may take it for something else."""
    shutil.copy(ROOT / "policies.yaml", tmp_path)
    (tmp_path / "deployment.yaml").write_text(f"{REGION}functions: {{{functions}}}\n")

    found = "\n".join(check(tmp_path / "policies.yaml").warnings)

    assert "deployment.yaml line 2: functions." in found
    assert warning in found
    assert "hunter2" not in found


def test_variables_that_are_filled_in_later_are_not_judged(tmp_path: Path) -> None:
    """Their values are known at the deployment only, and never read by the check."""
    os.environ.pop("LEVEL", None)
    text = REGION + "functions: {all: {environment: {LOG_LEVEL: '${env(LEVEL, WARNING)}'}}}\n"

    assert problems(tmp_path, text) == []


def test_a_missing_file_is_one_problem(tmp_path: Path) -> None:
    """Its name and the reason."""
    found = read_deployment(tmp_path / "deployment.yaml")

    assert found.deployment is None
    assert found.problems == (
        "deployment.yaml: 'No such file or directory': must be a readable file",
    )
