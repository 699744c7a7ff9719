"""
Records of the account's shared resources: who is notified of an alert, and how.

Source: "Data structure of alert resource data", and the vendor's public skill for alerts, from
which the fields and the limits of each resource are. They are the account's, at the endpoint of
any region here; the service has them in one region.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from emulator.sls.errors import SlsError, not_implemented, parameter_invalid, reject_unknown
from emulator.sls.operations import Answer, Call, Checked, checked, document, page
from emulator.sls.state import Document

RESOURCES: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "sls.common.user": (
        "user_id",
        "user_name",
        frozenset(
            {
                *("user_id", "user_name", "email", "country_code", "phone", "enabled"),
                *("sms_enabled", "voice_enabled"),
            }
        ),
    ),
    "sls.common.user_group": (
        "user_group_id",
        "user_group_name",
        frozenset(("user_group_id", "user_group_name", "enabled", "members")),
    ),
    "sls.alert.action_webhook": (
        "id",
        "name",
        frozenset(("id", "name", "type", "url", "method", "headers", "secret")),
    ),
    "sls.alert.action_policy": (
        "action_policy_id",
        "action_policy_name",
        frozenset(
            {
                *("action_policy_id", "action_policy_name", "labels", "is_default"),
                *("primary_policy_script", "secondary_policy_script"),
                *("escalation_start_enabled", "escalation_start_timeout"),
                *("escalation_inprogress_enabled", "escalation_inprogress_timeout"),
                *("escalation_enabled", "escalation_timeout"),
            }
        ),
    ),
}
"""By resource the field with a record's id, that with its tag, and all fields."""
WEBHOOK_TYPES = ("dingtalk", "wechat", "lark", "slack", "custom")
_OPTIONAL = frozenset({"secret"})
_MAX_PAGE = 200


def create_record(call: Call) -> Checked:
    """Make a record; an id that exists is rejected."""
    record = _record(call, call.json_body())

    def effect() -> Answer:
        records = call.projects.resource_records(call.name)
        if record["id"] in records:
            raise SlsError(400, "ResourceRecordAlreadyExist", f"record {record['id']} exists")
        records[str(record["id"])] = record
        return Answer(body=json.dumps({"id": record["id"]}).encode())

    return checked(call, effect)


def upsert_records(call: Call) -> Checked:
    """Make or replace records."""
    body = call.json_body()
    reject_unknown(body, frozenset({"records"}))
    listed = body.get("records")
    if not isinstance(listed, list) or not listed:
        raise parameter_invalid("records is a list of one or more.")
    records = [_record(call, one) for one in listed]

    def effect() -> Answer:
        there = call.projects.resource_records(call.name)
        there.update({str(record["id"]): record for record in records})
        return Answer()

    return checked(call, effect)


def get_record(call: Call) -> Checked:
    """Show a record."""
    _check_resource(call)
    found = call.projects.resource_records(call.name).get(call.record)
    if found is None:
        raise SlsError(404, "ResourceRecordNotExist", f"record {call.record} does not exist")
    return document(call, found)


def list_records(call: Call) -> Checked:
    """List records by id; `ids` narrows them down."""
    _check_resource(call)
    query = call.query(frozenset(("offset", "size", "ids", "tag")))
    ids = query["ids"].split(",") if "ids" in query else None
    records = [
        record
        for record_id, record in sorted(call.projects.resource_records(call.name).items())
        if (ids is None or record_id in ids) and query.get("tag") in (None, record["tag"])
    ]
    shown = records[page(query, default=_MAX_PAGE, most=_MAX_PAGE)]
    return document(call, {"count": len(shown), "total": len(records), "items": shown})


def delete_records(call: Call) -> Checked:
    """Remove the records of `ids`; what is not there is ignored."""
    _check_resource(call)
    ids = call.query(frozenset({"ids"})).get("ids", "")
    if not ids:
        raise parameter_invalid("ids is missing.")

    def effect() -> Answer:
        records = call.projects.resource_records(call.name)
        for record_id in ids.split(","):
            records.pop(record_id, None)
        return Answer()

    return checked(call, effect)


def _check_resource(call: Call) -> None:
    if call.name not in RESOURCES:
        raise not_implemented(
            f"resource {call.name}: the emulator has {', '.join(sorted(RESOURCES))}."
        )


def _record(call: Call, given: object) -> Document:
    _check_resource(call)
    if not isinstance(given, Mapping):
        raise parameter_invalid("a record is an object.")
    reject_unknown(given, frozenset(("id", "tag", "value")))
    try:
        value = json.loads(str(given.get("value")))
    except ValueError as exc:
        raise parameter_invalid(f"value is no JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise parameter_invalid("value is the JSON of an object.")
    id_field, tag_field, fields = RESOURCES[call.name]
    reject_unknown(value, fields)
    missing = sorted(fields - _OPTIONAL - set(value))
    if missing:
        raise parameter_invalid(f"value: {', '.join(missing)}: missing.")
    if (given.get("id"), given.get("tag")) != (value[id_field], value[tag_field]):
        raise parameter_invalid(f"id and tag are value.{id_field} and value.{tag_field}.")
    _check_value(value)
    return dict(given)


def _check_value(value: Mapping[str, object]) -> None:
    for name in ("primary_policy_script", "secondary_policy_script"):
        if not value.get(name, "there"):
            raise SlsError(400, "ActionPolicyEmpty", f"{name} is empty")
    if "url" not in value:
        return
    if value["type"] not in WEBHOOK_TYPES:
        raise parameter_invalid(f"type is one of {', '.join(WEBHOOK_TYPES)}.")
    if value["type"] != "custom" and (value["method"] != "POST" or value["headers"]):
        raise parameter_invalid("the webhook of a robot is a POST without headers.")
