"""
Who is told of an alert: the records of the account that `notify` in `deployment.yaml` means.

Pure. Source: "Data structure of alert resource data", and the vendor's public skill for alerts:
fields of each resource, and the language of action policies. The id of each record begins with
`ecsnap-`, the deployment and the region, which marks it as made by this deployment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.account.sls import Record
from cli.deployment.model import Notify, Webhook
from cli.deployment.names import fitted
from cli.deployment.notify_keys import MAX_MAILS

WEBHOOK, USER, GROUP, POLICY = (
    "sls.alert.action_webhook",
    "sls.common.user",
    "sls.common.user_group",
    "sls.alert.action_policy",
)
BUILT_IN = "sls.builtin"
"""The action policy of an account that has none: alerts are shown in the alert centre."""
_TYPES = {
    "dingtalk": "dingtalk",
    "feishu": "lark",
    "wecom": "wechat",
    "slack": "slack",
    "webhook": "custom",
}
"""By channel of `deployment.yaml` what the service calls it."""
_TEMPLATES = {"en": "sls.builtin.en", "zh": "sls.builtin.cn"}
_MAX_PREFIX = 50
"""Of an id, which has at most 60 characters, as a name has 20 (see there)."""
_MAX_NAME = 20
"""Characters of a name (terraform-alicloud-modules, "sls alerts": users and groups)."""
SECRET_FIELDS = ("url", "secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRecord:
    """A record, and the resource that it belongs to."""

    resource: str
    record: Record


def prefix_of(deployment: str, region: str) -> str:
    """Return how the ids of a deployment's records begin, short enough for every suffix."""
    return fitted(f"ecsnap-{deployment}-{region}", _MAX_PREFIX)


def action_policy_of(notify: Notify | None, prefix: str) -> str:
    """Return the id of the action policy of the alerts."""
    return prefix if notify else BUILT_IN


def records_of(notify: Notify | None, prefix: str) -> tuple[NamedRecord, ...]:
    """
    Return the records that `notify` means, each after those that it names; none without it.

    Args:
        notify: With its variables filled in.
        prefix: That of `prefix_of`.

    """
    if notify is None:
        return ()
    hooks, users = list(_webhooks(notify, prefix)), list(_users(notify, prefix))
    records = [*hooks, *users]
    if users:
        members = [record.value["user_id"] for _, record in users]
        value = {
            "user_group_id": prefix,
            "user_group_name": _name(prefix),
            "enabled": True,
            "members": members,
        }
        records.append((GROUP, Record(record_id=prefix, tag=_name(prefix), value=value)))
    policy = _policy(notify, prefix, [record.value for _, record in hooks], has_mail=bool(users))
    records.append((POLICY, Record(record_id=prefix, tag=_name(prefix), value=policy)))
    return tuple(NamedRecord(resource=resource, record=record) for resource, record in records)


def possible_ids(prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the resource and the id of every record that a deployment can have made."""
    yield POLICY, prefix
    yield GROUP, prefix
    for number in range(1, MAX_MAILS + 1):
        yield USER, f"{prefix}-{number}"
    for channel in _TYPES:
        yield WEBHOOK, f"{prefix}-{channel}"


def _webhooks(notify: Notify, prefix: str) -> Iterator[tuple[str, Record]]:
    for channel, kind in _TYPES.items():
        hook: Webhook | None = getattr(notify, channel)
        if hook is None:
            continue
        record_id = f"{prefix}-{channel}"
        is_robot = kind != "custom"
        value = {
            "id": record_id,
            "name": _name(prefix, channel),
            "type": kind,
            "url": hook.url,
            "method": "POST",
            "headers": [] if is_robot else [{"key": "Content-Type", "value": "application/json"}],
        }
        if hook.secret:
            value["secret"] = hook.secret
        yield WEBHOOK, Record(record_id=record_id, tag=_name(prefix, channel), value=value)


def _users(notify: Notify, prefix: str) -> Iterator[tuple[str, Record]]:
    for number, mail in enumerate(notify.mail, start=1):
        record_id = f"{prefix}-{number}"
        value = {
            "user_id": record_id,
            "user_name": _name(prefix, str(number)),
            "email": [mail],
            "country_code": "86",
            "phone": "",
            "enabled": True,
            "sms_enabled": False,
            "voice_enabled": False,
        }
        yield USER, Record(record_id=record_id, tag=_name(prefix, str(number)), value=value)


def _policy(
    notify: Notify, prefix: str, hooks: list[Mapping[str, Any]], *, has_mail: bool
) -> dict[str, Any]:
    template = _TEMPLATES[notify.language]
    lines = [
        f'fire(type="webhook_integration", integration_type="{hook["type"]}", '
        f'webhook_id="{hook["id"]}", template_id="{template}", period="any")'
        for hook in hooks
    ]
    if has_mail:
        lines.append(
            f'fire(type="email", users=[], groups=["{prefix}"], oncall_groups=[], '
            'receiver_type="static", external_url="", external_headers={}, '
            f'template_id="{template}", period="any")'
        )
    script = "\n".join(lines)
    return {
        "action_policy_id": prefix,
        "action_policy_name": _name(prefix),
        "labels": {},
        "is_default": False,
        "primary_policy_script": script,
        # An empty one is rejected; no escalation is switched on, so it is never used.
        "secondary_policy_script": script,
        "escalation_start_enabled": False,
        "escalation_start_timeout": "10m",
        "escalation_inprogress_enabled": False,
        "escalation_inprogress_timeout": "30m",
        "escalation_enabled": False,
        "escalation_timeout": "1h",
    }


def _name(prefix: str, suffix: str = "") -> str:
    """Return a name for people, shorter than an id may be."""
    end = f"-{suffix}" if suffix else ""
    return f"{prefix[: _MAX_NAME - len(end)].rstrip('-')}{end}"


def masked(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's value with the last four characters of what is secret."""
    return {
        name: f"…{str(item)[-4:]}" if name in SECRET_FIELDS and item else item
        for name, item in value.items()
    }
