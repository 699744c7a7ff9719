"""Dashboards, alerts, and who is told, as `ecsnap setup` makes and corrects them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from emulator import Fault
from tests.cli.setup.conftest import LOG_PROJECT, Bench

ALERTS = 11
TOKEN = "0123456789abcdefSECRET-4711"
HOOKS = {
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=${env(HOOK)}",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/${env(HOOK)}",
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=${env(HOOK)}",
    "slack": "https://hooks.slack.com/services/${env(HOOK)}",
    "webhook": "https://alerts.example.com/hook?token=${env(HOOK)}",
}
KINDS = {
    "dingtalk": "dingtalk",
    "feishu": "lark",
    "wecom": "wechat",
    "slack": "slack",
    "webhook": "custom",
}
PREFIX = "ecsnap-main-cn-hangzhou"


def notify(
    bench: Bench, *, mail: tuple[str, ...] = (), hooks: Mapping[str, str] | None = None
) -> None:
    """Say in deployment.yaml who is told, in place of what it said before."""
    lines = [
        line for line in bench.deployment.read_text().splitlines() if not line.startswith("notify")
    ]
    parts: dict[str, Any] = {name: {"url": url} for name, url in (hooks or {}).items()}
    if mail:
        parts["mail"] = list(mail)
    if parts:
        lines.append(f"notify: {json.dumps(parts)}")
    bench.deployment.write_text("\n".join(lines) + "\n")


def value(bench: Bench, resource: str, record_id: str) -> dict[str, Any]:
    record = bench.cloud.sls.resource_records(resource)[record_id]
    found: dict[str, Any] = json.loads(str(record["value"]))
    return found


def test_makes_all_dashboards_and_alerts(bench: Bench) -> None:
    """With the mark; without `notify` alerts are shown in the alert centre."""
    bench.setup(apply=True)
    sls = bench.cloud.sls
    alerts = sls.alerts(LOG_PROJECT)

    assert sorted(sls.dashboards(LOG_PROJECT)) == [
        "ecsnap-main-coverage",
        "ecsnap-main-failures",
        "ecsnap-main-recovery",
        "ecsnap-main-runs",
    ]
    assert len(alerts) == ALERTS
    for alert in alerts.values():
        assert alert["description"] == "ecsnap:main in cn-hangzhou"
        configuration = alert["configuration"]
        assert isinstance(configuration, dict)
        assert configuration["policyConfiguration"]["actionPolicyId"] == "sls.builtin"
    assert sls.resource_records("sls.alert.action_policy") == {}


def test_an_empty_account_has_one_alert_that_fires(bench: Bench) -> None:
    """Every query runs without data; nothing reconciles yet."""
    bench.setup(apply=True)

    assert list(bench.cloud.sls.firing(LOG_PROJECT)) == ["ecsnap-main-no-reconcile"]


@pytest.mark.parametrize("channel", HOOKS)
def test_each_channel_gets_its_webhook(bench: Bench, channel: str) -> None:
    """The token comes from the environment; every alert names the action policy."""
    bench.monkeypatch.setenv("HOOK", TOKEN)
    notify(bench, hooks={channel: HOOKS[channel]})
    printed = bench.setup(apply=True)

    hook = value(bench, "sls.alert.action_webhook", f"{PREFIX}-{channel}")
    policy = value(bench, "sls.alert.action_policy", PREFIX)
    assert (hook["type"], hook["method"]) == (KINDS[channel], "POST")
    assert hook["url"] == HOOKS[channel].replace("${env(HOOK)}", TOKEN)
    assert f'integration_type="{KINDS[channel]}"' in policy["primary_policy_script"]
    assert f'webhook_id="{PREFIX}-{channel}"' in policy["primary_policy_script"]
    for alert in bench.cloud.sls.alerts(LOG_PROJECT).values():
        configuration = alert["configuration"]
        assert isinstance(configuration, dict)
        assert configuration["policyConfiguration"]["actionPolicyId"] == PREFIX
    assert TOKEN not in printed.text
    assert bench.setup().lines[-1] == "nothing to change"


def test_mail_addresses_become_users_of_a_group(bench: Bench) -> None:
    """A policy names the group."""
    notify(bench, mail=("a@example.com", "b@example.com"))
    bench.setup(apply=True)

    users = [value(bench, "sls.common.user", f"{PREFIX}-{number}") for number in (1, 2)]
    assert [user["email"] for user in users] == [["a@example.com"], ["b@example.com"]]
    group = value(bench, "sls.common.user_group", PREFIX)
    assert group["members"] == [f"{PREFIX}-1", f"{PREFIX}-2"]
    script = value(bench, "sls.alert.action_policy", PREFIX)["primary_policy_script"]
    assert f'groups=["{PREFIX}"]' in script


def test_who_is_no_longer_told_is_removed(bench: Bench) -> None:
    """Records that the file does not name any more, and no others."""
    bench.monkeypatch.setenv("HOOK", TOKEN)
    sls = bench.cloud.sls
    sls.resource_records("sls.common.user")["somebody"] = {"id": "somebody"}
    notify(bench, mail=("a@example.com", "b@example.com"), hooks={"slack": HOOKS["slack"]})
    bench.setup(apply=True)
    notify(bench, mail=("a@example.com",))
    bench.setup(apply=True)
    assert sorted(sls.resource_records("sls.common.user")) == [f"{PREFIX}-1", "somebody"]
    assert sls.resource_records("sls.alert.action_webhook") == {}

    notify(bench)
    assert bench.setup(apply=True).done
    assert sorted(sls.resource_records("sls.common.user")) == ["somebody"]
    assert sls.resource_records("sls.alert.action_policy") == {}
    assert bench.setup().lines[-1] == "nothing to change"


def test_a_changed_token_shows_its_last_four_characters(bench: Bench) -> None:
    """And no other of the old one or the new one."""
    bench.monkeypatch.setenv("HOOK", TOKEN)
    notify(bench, hooks={"dingtalk": HOOKS["dingtalk"]})
    bench.setup(apply=True)
    bench.monkeypatch.setenv("HOOK", "another-secret-token-0815")
    shown = bench.setup()

    changes = [line.strip() for line in shown.lines if line.startswith("    ")]
    assert changes == ['- "url": "…4711"', '+ "url": "…0815"']
    assert bench.setup(apply=True).done
    hook = value(bench, "sls.alert.action_webhook", f"{PREFIX}-dingtalk")
    assert hook["url"].endswith("another-secret-token-0815")


def test_what_the_service_says_of_a_token_is_not_printed(bench: Bench) -> None:
    """Its messages may contain what was sent."""
    bench.monkeypatch.setenv("HOOK", TOKEN)
    notify(bench, hooks={"dingtalk": HOOKS["dingtalk"]})
    url = HOOKS["dingtalk"].replace("${env(HOOK)}", TOKEN)
    bench.cloud.faults.add(
        Fault(
            kind="error",
            service="sls",
            action="UpsertResourceRecord",
            status=400,
            code="ParameterInvalid",
            message=f"url {url} is invalid",
        )
    )
    printed = bench.setup(apply=True)

    assert not printed.done
    assert "log:UpsertResourceRecord" in printed.text
    assert TOKEN not in printed.text


def test_an_address_that_is_none_once_it_is_filled_in_is_an_error(bench: Bench) -> None:
    """Before any call that writes; the address is not printed."""
    bench.monkeypatch.setenv("HOOK", "http://not-https.example.com/SECRET")
    notify(bench, hooks={"webhook": "${env(HOOK)}"})
    printed = bench.setup(apply=True)

    assert not printed.done
    (message,) = printed.messages
    assert message.startswith("deployment.yaml: notify.webhook.url: must be an https:// address")
    assert bench.writes() == []


def test_a_variable_that_is_missing_is_named(bench: Bench) -> None:
    """Before any call that writes."""
    notify(bench, hooks={"slack": HOOKS["slack"]})
    printed = bench.setup(apply=True)

    assert not printed.done
    assert printed.messages[0].startswith("HOOK: not set")
    assert bench.writes() == []


def test_what_was_changed_by_hand_is_shown_and_corrected(bench: Bench) -> None:
    """An alert that was switched off, and a chart that was removed."""
    bench.setup(apply=True)
    sls = bench.cloud.sls
    sls.alerts(LOG_PROJECT)["ecsnap-main-disk-failed"]["state"] = "Disabled"
    dashboard = sls.dashboards(LOG_PROJECT)["ecsnap-main-runs"]
    charts = dashboard["charts"]
    assert isinstance(charts, list)
    removed = charts.pop()
    shown = bench.setup()

    assert "~ alert 'ecsnap-main-disk-failed'" in shown.lines
    assert '    - "state": "Disabled"' in shown.lines
    assert "~ dashboard 'ecsnap-main-runs'" in shown.lines
    bench.setup(apply=True)
    assert sls.alerts(LOG_PROJECT)["ecsnap-main-disk-failed"]["state"] == "Enabled"
    now = sls.dashboards(LOG_PROJECT)["ecsnap-main-runs"]["charts"]
    assert isinstance(now, list)
    assert now[-1] == removed


def test_what_bears_another_mark_is_never_changed(bench: Bench) -> None:
    """An alert and a dashboard that somebody made under these names."""
    bench.setup(apply=True)
    sls = bench.cloud.sls
    alert = sls.alerts(LOG_PROJECT)["ecsnap-main-throttled"]
    alert |= {"description": "by hand", "state": "Disabled"}
    dashboard = sls.dashboards(LOG_PROJECT)["ecsnap-main-runs"]
    dashboard |= {"description": "by hand", "displayName": "Mine"}
    printed = bench.setup(apply=True)

    assert not printed.done
    assert "! alert 'ecsnap-main-throttled': exists" in printed.text
    assert "! dashboard 'ecsnap-main-runs': exists" in printed.text
    assert (alert["state"], dashboard["displayName"]) == ("Disabled", "Mine")
    bench.destroy()
    assert list(sls.alerts(LOG_PROJECT)) == ["ecsnap-main-throttled"]
    assert list(sls.dashboards(LOG_PROJECT)) == ["ecsnap-main-runs"]


def test_destroy_removes_alerts_dashboards_and_records(bench: Bench) -> None:
    """The log stays."""
    bench.monkeypatch.setenv("HOOK", TOKEN)
    notify(bench, mail=("a@example.com",), hooks={"slack": HOOKS["slack"]})
    bench.setup(apply=True)
    bench.destroy()
    sls = bench.cloud.sls

    assert (sls.alerts(LOG_PROJECT), sls.dashboards(LOG_PROJECT)) == ({}, {})
    for resource in ("action_policy", "action_webhook"):
        assert sls.resource_records(f"sls.alert.{resource}") == {}
    for resource in ("user", "user_group"):
        assert sls.resource_records(f"sls.common.{resource}") == {}


def test_two_deployments_share_a_logstore(bench: Bench) -> None:
    """The second uses the first one's log, and has roles, alerts and dashboards of its own."""
    bench.setup(apply=True)
    bench.edit(bench.policies, "deployment: main", "deployment: blue")
    bench.edit(bench.deployment, "runtime:", f"log: {{project: {LOG_PROJECT}}}\nruntime:")
    second = bench.setup(apply=True)
    cloud = bench.cloud

    assert second.done, second.text
    assert "not made by this deployment; used as it is, never changed" in second.text
    assert {"resume-runs", "resume-runs-blue"} <= set(cloud.ram.roles)
    assert len(cloud.sls.alerts(LOG_PROJECT)) == 2 * ALERTS
    assert list(cloud.smq("cn-hangzhou").queues) == ["snapshot-failures", "snapshot-failures-blue"]
    assert bench.destroy().done
    assert len(cloud.sls.alerts(LOG_PROJECT)) == ALERTS
    assert "resume-runs" in cloud.ram.roles
    assert "resume-runs-blue" not in cloud.ram.roles


def test_the_longest_name_of_a_deployment_fits_everywhere(bench: Bench) -> None:
    """Names of alerts, records and roles have limits of their own."""
    bench.monkeypatch.setenv("HOOK", TOKEN)
    notify(bench, mail=("a@example.com",), hooks={name: HOOKS[name] for name in HOOKS})
    bench.edit(bench.policies, "deployment: main", f"deployment: {'a' * 39}z")
    printed = bench.setup(apply=True)

    assert printed.done, printed.text
    names = set(bench.cloud.sls.alerts(LOG_PROJECT))
    assert len(names) == ALERTS
    assert max(map(len, names)) <= 64
    hooks = bench.cloud.sls.resource_records("sls.alert.action_webhook")
    assert len(hooks) == len(HOOKS)
    assert max(map(len, hooks)) <= 60
    assert bench.setup().lines[-1] == "nothing to change"
