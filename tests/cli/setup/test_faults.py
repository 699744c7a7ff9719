"""`ecsnap setup` where calls fail, get no answer, or are not allowed, and where it is killed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from emulator import Fault
from emulator.faults import Kind
from tests.cli.setup.conftest import REGION, ROOT, WRITES, Bench, bench_on

POLICY = json.loads((ROOT / "docs" / "setup-policy.json").read_text())
SERVICES = ("ram", "sls", "smq", "fc", "sts")
ROLES = ("snapshot-on-schedule", "snapshot-on-event", "record-completion", "resume-runs")


class Every:
    """Each call of some services fails once, and each retry of it succeeds."""

    def __init__(self, fault: Mapping[str, Any]) -> None:
        self._fault = fault
        self._seen: set[tuple[str, str, str]] = set()

    def take(
        self, *, service: str, action: str, params: Mapping[str, str], **_: object
    ) -> Fault | None:
        call = (service, action, json.dumps(sorted(params.items())))
        if call in self._seen:
            return None
        self._seen.add(call)
        return Fault(service=service, **self._fault)  # type: ignore[arg-type] # one of them


class KilledError(BaseException):
    """Ends the command, as SIGKILL would: no handler of it runs."""


class Killer:
    """Ends the command before its nth call that changes something has an effect."""

    def __init__(self, count: int) -> None:
        self._left = count

    def take(self, *, action: str, **_: object) -> None:
        if not action.startswith(WRITES):
            return
        if self._left == 0:
            raise KilledError
        self._left -= 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 400, "code": "Throttling"},
        {"kind": "error", "status": 503, "code": "ServiceUnavailable"},
        {"kind": "html"},
        {"kind": "drop"},
        {"kind": "drop", "after_effect": True},
    ],
    ids=["throttled", "5xx", "html", "no answer", "answer lost"],
)
def test_every_call_may_fail_once(bench: Bench, fault: dict[str, Any]) -> None:
    """A lost answer of a creation shows as "exists already", which is read again."""
    if fault.get("code") == "Throttling":
        # The code and the status with which SLS and FC throttle are others.
        bench.cloud.faults.seeded = Throttler()
    else:
        bench.cloud.faults.seeded = Every(fault)
    printed = bench.setup(apply=True)

    assert printed.done, printed.text
    bench.cloud.faults.clear()
    assert bench.setup().lines[-1] == "nothing to change"


class Throttler(Every):
    """Each service throttles with its own code."""

    _CODES = {  # noqa: RUF012 - never changed
        "ram": ("Throttling.User", 400),
        "sts": ("Throttling.User", 400),
        "smq": ("Throttling.User", 400),
        "sls": ("MetaOperationQpsLimitExceeded", 403),
        "fc": ("ResourceThrottled", 429),
    }

    def __init__(self) -> None:
        super().__init__({})

    def take(
        self, *, service: str, action: str, params: Mapping[str, str], **_: object
    ) -> Fault | None:
        code, status = self._CODES[service]
        self._fault = {"kind": "error", "code": code, "status": status}
        return super().take(service=service, action=action, params=params)


def test_killed_after_each_call_it_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an empty account, after each call in turn that changes something."""
    for count in itertools.count():
        folder = tmp_path / str(count)
        folder.mkdir()
        with bench_on(folder, monkeypatch) as bench:
            bench.cloud.faults.seeded = Killer(count)
            try:
                assert bench.setup(apply=True).done
            except KilledError:
                bench.cloud.faults.clear()
                assert bench.setup(apply=True).done
            else:
                break
            assert bench.setup().lines[-1] == "nothing to change"
            for name in ROLES:
                policy = bench.cloud.ram.policies["Custom", name]
                assert [version.version_id for version in policy.versions] == ["v1"]

    assert count == 35


@pytest.mark.parametrize("service", ["ram", "sls", "smq", "fc"])
@pytest.mark.parametrize("kind", ["error", "drop"])
def test_a_service_that_stays_away_costs_nothing_else(
    bench: Bench, service: str, kind: Kind
) -> None:
    """Each of its things is a line with the call that failed; everything else is made."""
    bench.cloud.fc(REGION).add_function("resume_runs", "x = 1")
    bench.cloud.faults.add(
        Fault(kind=kind, service=service, status=500, code="InternalError", times=None)  # type: ignore[arg-type] # one of them
    )
    printed = bench.setup(apply=True)

    assert not printed.done
    assert any(line.startswith("! ") and ("500" in line or "no" in line) for line in printed.lines)
    assert bench.cloud.ram.has_role("resume-runs") is (service != "ram")
    assert bool(bench.cloud.smq(REGION).queues) is (service != "smq")
    bench.cloud.faults.clear()
    assert bench.setup(apply=True).done


def without(action: str) -> dict[str, Any]:
    """Return the policy for setup without the actions of a service."""
    statements = []
    for statement in POLICY["Statement"]:
        actions = statement["Action"]
        listed = [actions] if isinstance(actions, str) else actions
        left = [one for one in listed if not one.startswith(action)]
        if left:
            statements.append({**statement, "Action": left})
    return {**POLICY, "Statement": statements}


@pytest.mark.parametrize(
    ("service", "missing"),
    [
        ("ram:", "ram:GetRole"),
        ("log:", "log:GetProject"),
        ("mns:", "mns:GetQueueAttributes"),
        ("fc:", "fc:ListTriggers"),
        ("ram:CreatePolicyV", "ram:CreatePolicyVersion"),
    ],
)
def test_a_missing_permission_is_named_and_the_rest_is_done(
    bench: Bench, service: str, missing: str
) -> None:
    """With the action, the resource, and where the policy is."""
    bench.cloud.add_role("setup", [POLICY])
    bench.sign_in(bench.cloud.assume_role("setup"))
    for name in ROLES:
        bench.cloud.fc(REGION).add_function(name.replace("-", "_"), "def handler(e, c): pass")
    assert bench.setup(apply=True).done
    policy = bench.cloud.ram.policies["Custom", "resume-runs"]
    open_ = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    policy.default_id = policy.add_version(open_, at=bench.cloud.clock.now()).version_id
    bench.cloud.smq(REGION).queues.clear()

    bench.cloud.add_role("setup", [without(service)])
    printed = bench.setup(apply=True)

    assert not printed.done
    assert missing in printed.text
    assert bool(bench.cloud.smq(REGION).queues) is (service != "mns:")
    assert (policy.default_id == "v3") is not service.startswith("ram:")


def test_the_policy_in_the_documents_is_enough_and_no_more(bench: Bench) -> None:
    """From nothing, over drift, to nothing; no grant of it is left unused."""
    cloud = bench.cloud
    cloud.add_role("setup", [POLICY])
    bench.sign_in(cloud.assume_role("setup"))
    vpc = "{vpc_id: vpc-1, vswitch_ids: [vsw-1], security_group_id: sg-1}"
    plain = bench.deployment.read_text()
    hook = "https://oapi.dingtalk.com/robot/send?access_token=${env(TOKEN)}"
    notify = f"notify: {{mail: [ops@example.com], dingtalk: {{url: '{hook}'}}}}"
    bench.monkeypatch.setenv("TOKEN", "0123456789abcdef")
    bench.edit(
        bench.deployment, "runtime:", f"functions: {{all: {{vpc: {vpc}}}}}\n{notify}\nruntime:"
    )
    assert bench.setup(apply=True).done
    bench.deployment.write_text(plain)
    bench.edit(bench.deployment, "runtime:", "log: {retention_days: 7}\nruntime:")
    cloud.ram.roles["resume-runs"].trust = '{"Version": "1", "Statement": []}'
    policy = cloud.ram.policies["Custom", "resume-runs"]
    policy.default_id = policy.add_version(
        '{"Version": "1", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}',
        at=cloud.clock.now(),
    ).version_id
    queue = cloud.smq(REGION).queues["snapshot-failures"]
    queue.settings["MessageRetentionPeriod"] = 60
    sls = cloud.sls
    project = f"snapshot-automation-{cloud.account_id}-{REGION}"
    index = sls._projects.logstore(project, "records")
    assert index.index is not None
    index.index.as_sent["keys"].pop("status")  # type: ignore[attr-defined] # JSON
    sls.dashboards(project)["ecsnap-main-runs"]["displayName"] = "by hand"
    sls.alerts(project)["ecsnap-main-throttled"]["state"] = "Disabled"
    fc = cloud.fc(REGION)
    fc.add_timer(fc.add_function("resume_runs", "x = 1"), "old", "0 0 2 * * *")
    service = fc.add_service("resume-runs")
    fc.add_timer(fc.add_function("resume_runs", "x = 1", service=service), "old", "0 0 2 * * *")
    assert bench.setup(apply=True).done
    assert bench.destroy(functions=True).done

    assert not [decision for decision in cloud.ram.decisions if not decision.allowed]
    used = {(grant.action, grant.resource) for one in cloud.ram.decisions for grant in one.by}
    granted = {
        (action, resource)
        for statement in POLICY["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    by_action = {action for action, _ in granted}
    assert by_action == {action for action, _ in used}
    assert {resource for _, resource in granted} == {resource for _, resource in used}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
