"""
Services of FC 2.0: making, showing, changing, deleting them.

Source: the API reference of 2016-08-15, "CreateService" and its neighbours; fields that
only tools send are those of Funcraft 3.6.24 and the Python SDK fc2 2.5.2.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone

from emulator.fc import fields
from emulator.fc.errors import invalid_argument, not_empty
from emulator.fc.operations import Answer, Call, Checked, done, page
from emulator.fc.region import FcRegion
from emulator.fc.state import Document, Service

_RULES: dict[str, fields.Rule] = {
    "serviceName": fields.a_name,
    "description": fields.a_text,
    "role": fields.a_role,
    "logConfig": fields.a_log_config,
    "internetAccess": fields.a_flag,
}
_EMPTY = frozenset(("vpcConfig", "nasConfig", "ossMountConfig", "tracingConfig", "vpcEndpoint"))
_UPDATE_RULES = {name: rule for name, rule in _RULES.items() if name != "serviceName"}


def create_service(call: Call) -> Checked:
    """Make a service."""
    body = call.json_body()
    fields.required(body, "serviceName")
    given = fields.checked(body, _RULES, empty=_EMPTY)
    check_log(call.region, given)
    now = call.region.clock.now()
    service = Service(
        name=str(given["serviceName"]),
        service_id=str(uuid.UUID(call.region.account.ids.request())),
        settings=given,
        created_at=now,
        modified_at=now,
    )
    _apply(service)

    def effect() -> Answer:
        with call.region.lock:
            call.region.state.add_service(service)
        return Answer(document=_shown(service))

    return Checked(params={**call.params, "serviceName": service.name}, effect=effect)


def get_service(call: Call) -> Checked:
    """Show a service."""
    return done(call, _shown(_named(call)))


def list_services(call: Call) -> Checked:
    """List services by name."""
    with call.region.lock:
        services = {name: _shown(one) for name, one in call.region.state.services.items()}
    return page(call, services, "services")


def update_service(call: Call) -> Checked:
    """Change what the body names; functions run with the new role from their next start on."""
    service = _named(call)
    body = fields.unchanged(call.json_body(), serviceName=service.name)
    given = fields.checked(body, _UPDATE_RULES, empty=_EMPTY)
    check_log(call.region, given)

    def effect() -> Answer:
        with call.region.lock:
            service.settings = {**service.settings, **given}
            service.modified_at = call.region.clock.now()
            _apply(service)
            functions = call.region.state.functions_of(service.name).values()
            for function in functions:
                function.generation += 1
        for function in functions:
            call.region.executor.forget(function)
        return Answer(document=_shown(service))

    return Checked(params=call.params, effect=effect)


def delete_service(call: Call) -> Checked:
    """Delete a service that has no functions."""
    service = _named(call)
    with call.region.lock:
        if call.region.state.functions_of(service.name):
            raise not_empty("Service", service.name, "functions")

    def effect() -> Answer:
        with call.region.lock:
            call.region.state.services.pop(service.name, None)
        return Answer(status=204)

    return Checked(params=call.params, effect=effect)


def check_log(region: FcRegion, given: Document) -> None:
    """
    Reject a Logstore that does not exist: its log would be lost without a word.

    The messages are those that fc3 looks for when it has just made the two (error-code.ts).
    """
    target = fields.log_target(given.get("logConfig"))
    if target and not region.sls.has_project(target.project):
        raise invalid_argument(f"project '{target.project}' does not exist")
    if target and not region.sls.has_logstore(target.project, target.logstore):
        raise invalid_argument(f"logstore '{target.logstore}' does not exist")


def instant(at: datetime) -> str:
    """Return an instant as this API writes it."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _named(call: Call) -> Service:
    with call.region.lock:
        return call.region.state.service(call.service or "")


def _apply(service: Service) -> None:
    service.role = str(service.settings.get("role", ""))
    service.log = fields.log_target(service.settings.get("logConfig"))


def _shown(service: Service) -> Document:
    defaults: Document = {
        "description": "",
        "role": "",
        "logConfig": {"project": "", "logstore": ""},
        "internetAccess": True,
        "vpcConfig": {"vpcId": "", "vSwitchIds": [], "securityGroupId": ""},
        "nasConfig": {"userId": -1, "groupId": -1, "mountPoints": []},
        "tracingConfig": {},
        "serviceId": service.service_id,
        "createdTime": instant(service.created_at),
        "lastModifiedTime": instant(service.modified_at),
    }
    return {**defaults, **service.settings}
