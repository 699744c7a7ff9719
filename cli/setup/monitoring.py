"""
Dashboards, alerts, and who is told of them.

Dashboards and alerts bear the mark in their description; records of the account have ids of their
own. What bears another mark is never changed. No secret is printed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

from cli.account.errors import AccountError
from cli.account.sls import Record
from cli.monitoring.alert import alert_document, alert_name
from cli.monitoring.alerts import alerts_of
from cli.monitoring.dashboards import DASHBOARDS, dashboard_document
from cli.monitoring.notify import (
    NamedRecord,
    action_policy_of,
    masked,
    possible_ids,
    prefix_of,
    records_of,
)
from cli.setup.steps import SAME, Step, Thing, changed_lines, create, problem, update
from cli.setup.target import Target

TEST_SLUG = "test"
"""Of the alert that `--test-notification` makes for two minutes."""


def monitoring_things(target: Target) -> Iterator[Thing]:
    """Yield dashboards, who is told, and the alerts, which name them."""
    project = f"log project '{target.project}'"
    index = f"index of '{target.logstore}'"
    for name in DASHBOARDS:
        wanted = wanted_dashboard(target, name)
        yield Thing(
            name=f"dashboard '{wanted['dashboardName']}'",
            look=partial(_dashboard, target, wanted),
            needs=(project, index),
        )
    records, policies = _Records(target), []
    wanted_records = records_of(target.deployment.notify, _prefix(target))
    for named in wanted_records:
        thing = Thing(
            name=record_name(named.resource, named.record.record_id),
            look=partial(_record, target, records, named),
        )
        policies.append(thing.name)
        yield thing
    found = _Alerts(target)
    for alert in wanted_alerts(target):
        yield Thing(
            name=f"alert '{alert['name']}'",
            look=partial(_alert, target, found, alert),
            needs=(project, index, *policies[-1:]),
        )
    yield _old_test(target, found)
    # Last, because an alert may still name the action policy.
    kept = {(named.resource, named.record.record_id) for named in wanted_records}
    yield from _old_records(target, records, kept)


def wanted_dashboard(target: Target, name: str) -> dict[str, Any]:
    """Return a dashboard as it is meant to be."""
    return dashboard_document(
        name,
        deployment=target.policies.deployment,
        mark=target.mark,
        project=target.project,
        logstore=target.logstore,
    )


def wanted_alerts(target: Target) -> list[dict[str, Any]]:
    """Return the alerts as they are meant to be."""
    return [
        alert_document(
            alert,
            deployment=target.policies.deployment,
            mark=target.mark,
            region=target.deployment.region,
            project=target.project,
            logstore=target.logstore,
            action_policy=action_policy_of(target.deployment.notify, _prefix(target)),
        )
        for alert in alerts_of(target.policies.deployment, target.functions)
    ]


def record_name(resource: str, record_id: str) -> str:
    """Return how a line about a record begins."""
    kind = resource.rpartition(".")[2].replace("action_", "").replace("_", " ")
    return f"notification {kind} '{record_id}'"


class _Records:
    """The records that the deployment can have made; one call for each resource."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._by_resource: dict[str, Mapping[str, Record]] = {}

    def find(self, resource: str, record_id: str) -> Record | None:
        if resource not in self._by_resource:
            ids = [one for of, one in possible_ids(_prefix(self._target)) if of == resource]
            self._by_resource[resource] = self._target.sls.records(resource, ids)
        return self._by_resource[resource].get(record_id)

    def forget(self) -> None:
        self._by_resource.clear()


class _Alerts:
    """The alerts of the project, listed once, because there are many."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._by_name: dict[str, Mapping[str, Any]] | None = None

    def find(self, name: str) -> Mapping[str, Any] | None:
        if self._by_name is None:
            listed = self._target.sls.alerts(self._target.project) or ()
            self._by_name = {str(alert["name"]): alert for alert in listed}
        return self._by_name.get(name)

    def forget(self) -> None:
        self._by_name = None


def _dashboard(target: Target, wanted: Mapping[str, Any]) -> Step:
    found = target.sls.dashboard(target.project, str(wanted["dashboardName"]))
    put = partial(target.sls.put_dashboard, target.project, wanted)
    if found is None:
        return create(partial(put, exists=False))
    if found.get("description") != target.mark:
        return _foreign(found)
    changes = changed_lines(_part(found, wanted), wanted)
    return update(partial(put, exists=True), changes) if changes else SAME


def _alert(target: Target, alerts: _Alerts, wanted: Mapping[str, Any]) -> Step:
    found = alerts.find(str(wanted["name"]))

    def put(*, exists: bool) -> None:
        try:
            target.sls.put_alert(target.project, wanted, exists=exists)
        except AccountError:
            alerts.forget()
            raise

    if found is None:
        return create(partial(put, exists=False))
    if found.get("description") != target.mark:
        return _foreign(found)
    changes = changed_lines(_part(found, wanted), wanted)
    return update(partial(put, exists=True), changes) if changes else SAME


def _foreign(found: Mapping[str, Any]) -> Step:
    return problem(
        f"exists, and was not made by this deployment: its description is "
        f"'{found.get('description') or ''}'; delete it"
    )


def _record(target: Target, records: _Records, named: NamedRecord) -> Step:
    wanted = named.record
    found = records.find(named.resource, wanted.record_id)

    def put() -> None:
        records.forget()
        target.sls.put_record(named.resource, wanted)

    if found is None:
        return create(put)
    if found.value == wanted.value and found.tag == wanted.tag:
        return SAME
    before, after = masked(_part(found.value, wanted.value)), masked(wanted.value)
    return update(put, changed_lines(before, after) or ("~ a secret",))


def _old_records(
    target: Target, records: _Records, kept: Collection[tuple[str, str]] = ()
) -> Iterator[Thing]:
    """Yield the records that the files no longer name."""
    for resource, record_id in possible_ids(_prefix(target)):
        if (resource, record_id) not in kept:
            yield Thing(
                name=record_name(resource, record_id),
                look=partial(_old_record, target, records, resource, record_id),
                is_quiet=True,
            )


def _prefix(target: Target) -> str:
    return prefix_of(target.policies.deployment, target.deployment.region)


def _part(found: Any, wanted: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return what is compared of an answer: the service adds fields of its own."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return {name: _part(found.get(name), value) for name, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [_part(one, other) for one, other in zip(found, wanted, strict=True)]
    return found


# --- deletion -------------------------------------------------------------------------------


def monitoring_to_delete(target: Target) -> Iterator[Thing]:
    """Yield alerts, dashboards and records that bear the mark, as they can go."""
    found = _Alerts(target)
    yield _old_test(target, found)
    for alert in wanted_alerts(target):
        name = str(alert["name"])
        yield Thing(
            name=f"alert '{name}'", look=partial(_old_alert, target, found, name), is_quiet=True
        )
    for key in DASHBOARDS:
        name = str(wanted_dashboard(target, key)["dashboardName"])
        yield Thing(
            name=f"dashboard '{name}'", look=partial(_old_dashboard, target, name), is_quiet=True
        )
    yield from _old_records(target, _Records(target))


def _old_test(target: Target, alerts: _Alerts) -> Thing:
    """Return the alert that a test of the notifications left when it was killed."""
    name = alert_name(TEST_SLUG, target.policies.deployment)
    return Thing(
        name=f"alert '{name}'", look=partial(_old_alert, target, alerts, name), is_quiet=True
    )


def _old_alert(target: Target, alerts: _Alerts, name: str) -> Step:
    found = alerts.find(name)
    if found is None or found.get("description") != target.mark:
        return SAME

    def act() -> None:
        alerts.forget()
        target.sls.delete_alert(target.project, name)

    return Step(mark="delete", act=act)


def _old_dashboard(target: Target, name: str) -> Step:
    found = target.sls.dashboard(target.project, name)
    if found is None or found.get("description") != target.mark:
        return SAME
    return Step(mark="delete", act=partial(target.sls.delete_dashboard, target.project, name))


def _old_record(target: Target, records: _Records, resource: str, record_id: str) -> Step:
    if records.find(resource, record_id) is None:
        return SAME

    def act() -> None:
        records.forget()
        target.sls.delete_record(resource, record_id)

    return Step(mark="delete", act=act)
