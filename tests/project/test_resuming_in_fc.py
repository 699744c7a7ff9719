"""resume_runs as it ships, in FC: a timer that did not fire while FC was down is caught up."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from emulator import Cloud
from shared.recovery.missed_runs import fingerprint
from shared.runtime.clock import utc
from shared.runtime.settings import FcApi
from tests.project import test_package_in_fc as shipped
from tests.project.test_package_in_fc import APIS, LOGSTORE, PROJECT, deployed

cloud, packages = shipped.cloud, shipped.packages
"""The same cloud and the same packages."""
RECONCILE = json.dumps(
    {"triggerName": "reconcile", "triggerTime": "2026-01-31T02:10:00Z", "payload": ""}
)


@pytest.mark.parametrize("api", APIS)
def test_a_timer_that_did_not_fire_while_fc_was_down_is_caught_up(
    cloud: Cloud, packages: dict[str, Path], api: FcApi
) -> None:
    """L18, D7: in its own zone, by the rules that the package brings along; once in two passes."""
    ecs, fc = cloud.ecs(), cloud.fc()
    disk = ecs.add_disk(instance_id=ecs.add_instance().instance_id, tags={"env": "prod"})
    on_schedule = deployed(cloud, packages["snapshot_on_schedule"], api)
    resumes = deployed(cloud, packages["resume_runs"], api)
    # Functions live by the machine's clock, and the cloud is hours behind: nothing fires there.
    due = datetime.now(timezone.utc).replace(second=0, microsecond=0) - timedelta(minutes=20)
    local = due + timedelta(hours=8)
    expression = f"CRON_TZ=Asia/Shanghai 0 {local.minute} {local.hour} * * *"
    fc.add_timer(on_schedule, "nightly", expression)
    fc.add_timer(on_schedule, "hourly", "0 10 * * * *")
    earlier = {
        "record": "reconciled",
        "function": "resume_runs",
        "deployment": "main",
        "at": utc(due - timedelta(minutes=5)),
        "until": utc(due - timedelta(minutes=10)),
        "timers": json.dumps({"nightly": fingerprint(expression)}),
    }
    cloud.sls.write(PROJECT, LOGSTORE, topic="", logs=[earlier])

    passes = []
    for _ in range(2):
        passes.append(fc.invoke(resumes, RECONCILE.encode()))
        cloud.run_until(cloud.clock.now() + timedelta(seconds=1))

    trigger_id = f"timer/nightly/{utc(due)}"
    assert [json.loads(one.body)["caught_up"] for one in passes] == [[trigger_id], []]
    (run,) = [one for one in fc.invocations if one.function is on_schedule]
    assert run.status == "Succeeded", run.results[-1].body
    assert [one.disk_id for one in ecs.snapshots.values()] == [disk.disk_id]
    assert all(one.memory_mb < resumes.memory_mb / 2 for one in passes)
    assert all(decision.allowed for decision in cloud.ram.decisions)
