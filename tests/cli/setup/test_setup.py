"""`ecsnap setup` on an account: what it shows, makes, corrects, and leaves alone."""

from __future__ import annotations

import json

import pytest
import yaml

from cli.account.access import KEY, SECRET
from cli.deployment.roles import TRUST
from emulator.fc.state import Function
from emulator.ram.entities import trust_of
from tests.cli.setup.conftest import ACCOUNT, LOG_PROJECT, REGION, Bench
from tests.emulator.sls.conftest import NOW

ROLES = ("snapshot-on-schedule", "snapshot-on-event", "record-completion", "resume-runs")
MARK = f"ecsnap:main in {REGION}"
OPEN = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]}
MAX_CALLS = 45
"""Of a second run."""


def test_shows_what_would_be_made_and_changes_nothing(bench: Bench) -> None:
    """Neither in the account nor in the files."""
    before = {path: path.read_text() for path in bench.folder.iterdir()}
    printed = bench.setup()

    assert printed.done
    assert bench.writes() == []
    assert {path: path.read_text() for path in bench.folder.iterdir()} == before
    assert f"+ log project '{LOG_PROJECT}'" in printed.lines
    assert printed.lines[-1] == "nothing was changed; `ecsnap setup --apply` does it"


def test_makes_everything_once(bench: Bench) -> None:
    """A second run reports that nothing is to be changed, with at most 45 calls, none a write."""
    made = bench.setup(apply=True)
    assert made.done
    assert len(bench.writes()) > 10

    again = bench.setup(apply=True)

    assert again.done
    assert again.lines[-1] == "nothing to change"
    assert len(bench.cloud.calls.all()) <= MAX_CALLS
    assert bench.writes() == []


def test_what_it_makes(bench: Bench) -> None:
    """Log, queue, roles: each with the mark, and named as the templates name it."""
    bench.setup(apply=True)
    cloud = bench.cloud

    assert cloud.sls.has_logstore(LOG_PROJECT, "records")
    queue = cloud.smq(REGION).queues["snapshot-failures"]
    assert (queue.tags, queue.settings["MessageRetentionPeriod"]) == ({"ecsnap": "main"}, 604_800)
    assert cloud.ram.has_role("AliyunServiceRoleForEventBridgeSendToFC")
    for name in ROLES:
        role, policy = cloud.ram.roles[name], cloud.ram.policies["Custom", name]
        assert (role.description, policy.description) == (MARK, MARK)
        assert json.loads(role.trust) == TRUST
        assert list(role.attached) == [("Custom", name)]
        assert "${" not in policy.default.document
        assert f":{ACCOUNT}:" in policy.default.document


def test_writes_the_account_and_the_templates(bench: Bench) -> None:
    """The placeholder is replaced once; the rest of the file stays as it is."""
    before = bench.deployment.read_text().splitlines()
    bench.setup(apply=True)
    after = bench.deployment.read_text().splitlines()

    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [f'account_id: "{ACCOUNT}"']
    assert f"acs:ram::{ACCOUNT}:role/resume-runs" in (bench.folder / "template.yml").read_text()
    assert f"acs:ram::{ACCOUNT}:role/resume-runs" in (bench.folder / "s.yaml").read_text()


def test_an_account_that_the_file_does_not_have_is_added(bench: Bench) -> None:
    """After the region."""
    text = bench.deployment.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("account_id")]
    bench.deployment.write_text("\n".join(lines) + "\n")
    bench.setup(apply=True)

    assert yaml.safe_load(bench.deployment.read_text())["account_id"] == ACCOUNT


def test_a_file_in_which_no_line_can_be_written_stays_as_it_is(bench: Bench) -> None:
    """Flow style; what to write is said, and nothing is made."""
    bench.deployment.write_text("{region: cn-hangzhou}\n")
    printed = bench.setup(apply=True)

    assert not printed.done
    assert printed.messages == [
        f"deployment.yaml: account_id: could not be written; set it to '{ACCOUNT}'"
    ]
    assert bench.deployment.read_text() == "{region: cn-hangzhou}\n"
    assert bench.writes() == []


def test_another_account_than_the_files_is_an_error(bench: Bench) -> None:
    """Before anything but the caller is read."""
    bench.edit(bench.deployment, '"1234567890123456"', '"2000000000000002"')
    printed = bench.setup(apply=True)

    assert not printed.done
    (message,) = printed.messages
    assert message.startswith("account_id: '2000000000000002': the credentials are those of")
    assert f"account {ACCOUNT}; use others" in message
    assert [call.action for call in bench.cloud.calls.all()] == ["GetCallerIdentity"]


def test_the_account_may_come_from_the_deploying_tool(bench: Bench) -> None:
    """`${config('AccountID')}` stays in the file, and is the caller's."""
    bench.edit(bench.deployment, '"1234567890123456"', "\"${config('AccountID')}\"")
    bench.setup(apply=True)

    assert "${config('AccountID')}" in bench.deployment.read_text()
    assert f":{ACCOUNT}:" in bench.cloud.ram.policies["Custom", "resume-runs"].default.document


def test_a_function_in_a_vpc_gets_what_it_needs_there(bench: Bench) -> None:
    """The system policy for network interfaces, and only that function's role."""
    vpc = "{vpc_id: vpc-1, vswitch_ids: [vsw-1], security_group_id: sg-1}"
    bench.edit(
        bench.deployment,
        "runtime: python3.10",
        f"runtime: python3.10\nfunctions: {{resume_runs: {{vpc: {vpc}}}}}",
    )
    bench.setup(apply=True)
    attached = {name: set(bench.cloud.ram.roles[name].attached) for name in ROLES}

    policy = ("System", "AliyunECSNetworkInterfaceManagementAccess")
    assert [name for name in ROLES if policy in attached[name]] == ["resume-runs"]


# --- drift ------------------------------------------------------------------------------------


def test_what_was_changed_by_hand_is_shown_and_corrected(bench: Bench) -> None:
    """Trust, permissions, attachments, retention, index, the queue's retention."""
    bench.setup(apply=True)
    cloud = bench.cloud
    role = cloud.ram.roles["resume-runs"]
    role.trust = trust_of("ecs.aliyuncs.com")
    role.attached["System", "AliyunLogFullAccess"] = NOW
    policy = cloud.ram.policies["Custom", "snapshot-on-event"]
    policy.default_id = policy.add_version(json.dumps(OPEN), at=NOW).version_id
    cloud.smq(REGION).queues["snapshot-failures"].settings["MessageRetentionPeriod"] = 60
    bench.edit(bench.deployment, "runtime:", "log: {retention_days: 7}\nruntime:")
    bench.writes()

    shown = bench.setup()
    assert bench.writes() == []
    for line in (
        "~ role 'resume-runs'",
        '    - "ecs.aliyuncs.com"',
        '    + "fc.aliyuncs.com"',
        "    - System AliyunLogFullAccess",
        '    - "Action": "ecs:*"',
        "    - retention_days: 180",
        "    + retention_days: 7",
        "    - retention_s: 60",
    ):
        assert line in shown.lines
    assert bench.setup(apply=True).done

    assert json.loads(role.trust) == TRUST
    assert list(role.attached) == [("Custom", "resume-runs")]
    assert policy.default.version_id == "v3"
    assert bench.setup().lines[-1] == "nothing to change"


def test_of_five_versions_the_oldest_goes(bench: Bench) -> None:
    """The limit cannot be raised; an unchanged document makes no version."""
    bench.setup(apply=True)
    policy = bench.cloud.ram.policies["Custom", "resume-runs"]
    for _ in range(4):
        policy.add_version(json.dumps(OPEN), at=NOW)
    bench.setup(apply=True)
    assert [version.version_id for version in policy.versions] == ["v1", "v2", "v3", "v4", "v5"]

    policy.default_id = "v5"
    bench.setup(apply=True)

    assert [version.version_id for version in policy.versions] == ["v2", "v3", "v4", "v5", "v6"]
    assert policy.default_id == "v6"


# --- what belongs to others -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["role", "policy"])
def test_what_bears_no_mark_is_never_changed(bench: Bench, kind: str) -> None:
    """It is named, with what to do; everything else is made."""
    ram = bench.cloud.ram
    if kind == "role":
        ram.add_role("resume-runs", [OPEN])
    else:
        bench.setup(apply=True)
        ram.policies["Custom", "resume-runs"].description = "by hand"
        ram.policies["Custom", "resume-runs"].add_version(json.dumps(OPEN), at=NOW)
        ram.policies["Custom", "resume-runs"].default_id = "v2"
    printed = bench.setup(apply=True)

    assert not printed.done
    (line,) = [one for one in printed.lines if one.startswith(f"! {kind} 'resume-runs'")]
    assert f"set its description to '{MARK}'" in line
    assert ram.roles["resume-runs"].attached.keys() <= {("Custom", "resume-runs")}
    if kind == "role":
        assert not ram.roles["resume-runs"].attached
        assert "! policies of role 'resume-runs': not tried" in printed.text
    else:
        assert ram.policies["Custom", "resume-runs"].default_id == "v2"
    assert ram.has_role("record-completion")


def test_a_deployment_of_the_same_name_elsewhere_is_another_one(bench: Bench) -> None:
    """Roles have no region: the second region's must not take the first one's."""
    bench.setup(apply=True)
    bench.edit(bench.deployment, "region: cn-hangzhou", "region: cn-shanghai")
    printed = bench.setup(apply=True)

    assert not printed.done
    assert "its description is 'ecsnap:main in cn-hangzhou'" in printed.text
    assert "cn-shanghai" not in bench.cloud.ram.policies["Custom", "resume-runs"].default.document


def test_a_project_of_another_account_is_an_error(bench: Bench) -> None:
    """Its name is taken; what to do is said, and what needs no log is made."""
    bench.cloud.sls.reserve_project("everybodys")
    bench.edit(bench.deployment, "runtime:", "log: {project: everybodys}\nruntime:")
    printed = bench.setup(apply=True)

    assert not printed.done
    (line,) = [one for one in printed.lines if one.startswith("! log project")]
    assert "log:GetProject" in line
    assert "or it belongs to another account" in line
    assert "! Logstore 'records': not tried, because it needs log project" in printed.text
    assert bench.cloud.ram.has_role("resume-runs")


class Rival:
    """Another account, which takes a name a moment before this one."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._sls, self._name = bench.cloud.sls, name

    def take(self, *, action: str, **_: object) -> None:
        if action == "CreateProject":
            self._sls.reserve_project(self._name)


def test_a_name_that_is_taken_meanwhile_is_an_error(bench: Bench) -> None:
    """It was free when it was read: "exists already" is read again."""
    bench.edit(bench.deployment, "runtime:", "log: {project: everybodys}\nruntime:")
    bench.cloud.faults.seeded = Rival(bench, "everybodys")
    printed = bench.setup(apply=True)

    (line,) = [one for one in printed.lines if one.startswith("! log project")]
    assert "belongs to another account" in line
    assert "set log.project" in line


def test_a_project_of_the_same_account_is_used_and_not_changed(bench: Bench) -> None:
    """What is missing in it is made; retention and index of what exists stay."""
    sls = bench.cloud.sls
    sls.create_project("company-logs")
    bench.edit(bench.deployment, "runtime:", "log: {project: company-logs}\nruntime:")
    first = bench.setup(apply=True)
    assert first.done
    assert sls.has_logstore("company-logs", "records")
    bench.writes()

    bench.edit(
        bench.deployment, "{project: company-logs}", "{project: company-logs, retention_days: 7}"
    )
    second = bench.setup(apply=True)

    assert second.done
    assert bench.writes() == []
    assert "= Logstore 'records': keeps records 180 days; the project is not ours" in second.lines


def test_fields_that_a_foreign_index_lacks_are_named(bench: Bench) -> None:
    """Without them alerts and dashboards would find nothing."""
    sls = bench.cloud.sls
    sls.create_project("company-logs")
    sls.create_logstore("company-logs", "records")
    bench.edit(bench.deployment, "runtime:", "log: {project: company-logs}\nruntime:")
    printed = bench.setup(apply=True)

    assert not printed.done
    assert "! index of 'records': lacks account_id, age_hours, at" in printed.text


# --- old triggers ---------------------------------------------------------------------------


def deployed(bench: Bench, folder: str = "snapshot_on_schedule") -> Function:
    return bench.cloud.fc(REGION).add_function(folder, "def handler(e, c): pass")


def test_triggers_that_the_files_no_longer_name_are_removed(bench: Bench) -> None:
    """The tools that deploy leave them, and they fire every night; others' types stay."""
    bench.setup(apply=True)
    function, fc = deployed(bench), bench.cloud.fc(REGION)
    for name in ("nightly", "hourly", "weekly"):
        fc.add_timer(function, name, "0 0 2 * * *")
    fc.add_rule(function, "old-events", '{"source": ["acs.ecs"]}')

    shown = bench.setup()
    assert "- old triggers of snapshot_on_schedule (FC 3.0)" in shown.lines
    assert [line for line in shown.lines if line.startswith("    -")] == [
        "    - old-events",
        "    - weekly",
    ]
    assert set(function.triggers) == {"nightly", "hourly", "weekly", "old-events"}

    assert bench.setup(apply=True).done
    assert set(function.triggers) == {"nightly", "hourly"}


def test_an_old_trigger_stays_until_the_new_one_is_deployed(bench: Bench) -> None:
    """A renamed timer: between the two nothing would fire."""
    bench.setup(apply=True)
    function, fc = deployed(bench), bench.cloud.fc(REGION)
    for name in ("midnight", "hourly"):
        fc.add_timer(function, name, "0 0 2 * * *")
    printed = bench.setup(apply=True)

    (line,) = [one for one in printed.lines if "old triggers" in one]
    assert line.endswith("midnight: removed by the first setup after nightly exists")
    assert set(function.triggers) == {"midnight", "hourly"}
    fc.add_timer(function, "nightly", "0 0 2 * * *")
    bench.setup(apply=True)
    assert set(function.triggers) == {"nightly", "hourly"}


# --- bad input --------------------------------------------------------------------------------


def test_missing_credentials_are_named_before_any_call(bench: Bench) -> None:
    """Which variables, all at once."""
    bench.monkeypatch.delenv(KEY)
    bench.monkeypatch.setenv(SECRET, " ")
    printed = bench.setup(apply=True)

    assert not printed.done
    assert [line.partition(":")[0] for line in printed.messages] == [KEY, SECRET]
    assert bench.cloud.calls.all() == []


def test_every_mistake_of_both_files_is_reported_at_once(bench: Bench) -> None:
    """With file and line, before any call."""
    bench.edit(bench.deployment, "region: cn-hangzhou", "region: cn-hangzou")
    bench.edit(bench.deployment, "runtime:", "log: {retention_days: 0}\nruntim:")
    bench.edit(bench.policies, '"0 10 * * * *"', '"0 0 0 31 2 *"')
    printed = bench.setup(apply=True)

    assert not printed.done
    text = "\n".join(printed.messages)
    for part in ("cn-hangzou", "did you mean 'cn-hangzhou'", "retention_days", "runtim", "hourly"):
        assert part in text
    assert bench.cloud.calls.all() == []


def test_half_an_emulator_is_an_error(bench: Bench) -> None:
    """Or the rest would be changed in a real account."""
    bench.monkeypatch.setenv("RAM_ENDPOINT", "http://127.0.0.1:9")
    printed = bench.setup(apply=True)

    assert not printed.done
    assert printed.messages[0].startswith("FC_ENDPOINT, SLS_ENDPOINT, SMQ_ENDPOINT, STS_ENDPOINT: ")
    assert bench.cloud.calls.all() == []


def test_a_folder_without_a_deployment_has_nothing_to_set_up(bench: Bench) -> None:
    """It is said, before any call."""
    bench.deployment.unlink()
    printed = bench.setup()

    assert not printed.done
    assert "no deployment.yaml in its folder" in printed.messages[0]
