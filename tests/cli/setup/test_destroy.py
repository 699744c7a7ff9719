"""`ecsnap setup --destroy`: what bears the mark goes, logs and snapshots stay."""

from __future__ import annotations

import pytest

from emulator import Fault
from tests.cli.setup.conftest import LOG_PROJECT, REGION, Bench

ROLES = ("snapshot-on-schedule", "snapshot-on-event", "record-completion", "resume-runs")


def deploy(bench: Bench) -> None:
    fc = bench.cloud.fc(REGION)
    for role in ROLES:
        name = role.replace("-", "_")
        fc.add_timer(fc.add_function(name, "x = 1"), "timer", "0 0 2 * * *")
        fc.add_function(name, "x = 1", service=fc.add_service(role))


def test_nothing_is_left_but_logs_and_snapshots(bench: Bench) -> None:
    """And it says what stays."""
    bench.setup(apply=True)
    printed = bench.destroy()
    cloud = bench.cloud

    assert printed.done
    assert list(cloud.ram.roles) == ["AliyunServiceRoleForEventBridgeSendToFC"]
    assert not [key for key in cloud.ram.policies if key[0] == "Custom"]
    assert cloud.smq(REGION).queues == {}
    assert cloud.sls.has_logstore(LOG_PROJECT, "records")
    assert f"  stays: log project '{LOG_PROJECT}' with the Logstore" in printed.text
    assert "  stays: every snapshot that was created" in printed.lines
    assert bench.destroy().lines[-1] == "nothing to delete"


def test_refuses_while_functions_exist(bench: Bench) -> None:
    """They would go on firing, without a role."""
    bench.setup(apply=True)
    deploy(bench)
    bench.writes()
    printed = bench.destroy()

    assert not printed.done
    assert "snapshot_on_schedule (FC 3.0)" in printed.messages[0]
    assert "resume_runs (FC 2.0)" in printed.messages[0]
    assert "add --functions" in printed.messages[0]
    assert bench.writes() == []


def test_functions_go_first_and_their_triggers_before_them(bench: Bench) -> None:
    """Of both tools, with the services of FC 2.0."""
    bench.setup(apply=True)
    deploy(bench)
    bench.writes()
    assert bench.destroy(functions=True).done

    writes = bench.writes()
    assert writes.index("DeleteTrigger") < writes.index("DeleteFunction")
    assert max(i for i, a in enumerate(writes) if a == "DeleteFunction") < writes.index(
        "DeleteRole"
    )
    state = bench.cloud.fc(REGION).region.state
    assert (list(state.functions()), state.services) == ([], {})


def test_what_is_not_marked_stays(bench: Bench) -> None:
    """A role, a policy, a queue that somebody else made under these names."""
    bench.setup(apply=True)
    cloud = bench.cloud
    cloud.ram.roles["resume-runs"].description = "by hand"
    cloud.ram.policies["Custom", "resume-runs"].description = "by hand"
    cloud.smq(REGION).queues["snapshot-failures"].tags.clear()
    bench.destroy()

    assert "resume-runs" in cloud.ram.roles
    assert ("Custom", "resume-runs") in cloud.ram.policies
    assert list(cloud.smq(REGION).queues) == ["snapshot-failures"]
    assert "record-completion" not in cloud.ram.roles


def test_asks_and_deletes_nothing_without_a_yes(bench: Bench) -> None:
    """After everything was listed."""
    bench.setup(apply=True)
    bench.writes()
    printed = bench.destroy(confirmed=lambda: False)

    assert not printed.done
    assert "- role 'resume-runs'" in printed.lines
    assert bench.writes() == []


@pytest.mark.parametrize("action", ["DeleteRole", "DetachPolicyFromRole", "DeleteQueue"])
def test_what_could_not_be_deleted_is_named_and_a_second_run_deletes_it(
    bench: Bench, action: str
) -> None:
    """Everything else goes."""
    bench.setup(apply=True)
    service = "smq" if action == "DeleteQueue" else "ram"
    bench.cloud.faults.add(
        Fault(
            kind="error",
            service=service,  # type: ignore[arg-type] # one of them
            action=action,
            status=403,
            code="NoPermission",
        )
    )
    printed = bench.destroy()

    assert not printed.done
    (line,) = [one for one in printed.lines if one.startswith("! ")]
    assert f"{'mns' if service == 'smq' else 'ram'}:{action}" in line
    assert bench.destroy().done
    assert bench.cloud.smq(REGION).queues == {}
