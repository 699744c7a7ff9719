"""
The log: project, Logstore, index.

A Logstore and an index have no description, so they belong to whoever the project belongs to. In a
project of somebody else what is missing is created, and what exists is never changed. Nothing here
is ever deleted, because it contains the records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from cli.account.errors import AccountError
from cli.account.sls import exists_already
from cli.monitoring.index import index_document
from cli.setup.steps import SAME, Step, Thing, changed_lines, create, problem, update
from cli.setup.target import Target

TAKEN = (
    "belongs to another account, because names are unique over all accounts; "
    "set log.project in deployment.yaml to another name"
)


def log_things(target: Target) -> Iterator[Thing]:
    """Yield the project, the Logstore and the index."""
    project = f"log project '{target.project}'"
    logstore = f"Logstore '{target.logstore}'"
    yield Thing(name=project, look=partial(_project, target))
    yield Thing(name=logstore, look=partial(_logstore, target), needs=(project,))
    yield Thing(
        name=f"index of '{target.logstore}'", look=partial(_index, target), needs=(logstore,)
    )


def _project(target: Target) -> Step:
    try:
        found = target.sls.project(target.project)
    except AccountError as exc:
        if exc.is_denied:
            return problem(f"{exc}: the permission is missing, or it {TAKEN}")
        raise
    if found is None:
        return create(partial(_create_project, target))
    if found.owner not in ("", target.deployment.account_id):
        return problem(TAKEN)
    if found.description != target.mark:
        return Step(mark="used", why="not made by this deployment; used as it is, never changed")
    return SAME


def _create_project(target: Target) -> None:
    try:
        target.sls.create_project(target.project, target.mark)
    except AccountError as exc:
        # Ours if an answer was lost, somebody else's otherwise: then it cannot be read.
        if exists_already(exc) and not _is_readable(target):
            raise AccountError(TAKEN, action=exc.action, resource=exc.resource) from exc
        raise


def _is_readable(target: Target) -> bool:
    try:
        found = target.sls.project(target.project)
    except AccountError:
        return False
    return found is not None and found.owner in ("", target.deployment.account_id)


def _is_ours(target: Target) -> bool:
    found = target.sls.project(target.project)
    return found is None or found.description == target.mark


def _logstore(target: Target) -> Step:
    days = target.deployment.log.retention_days
    found = target.sls.retention_days(target.project, target.logstore)
    if found is None:
        make = partial(
            target.sls.create_logstore, target.project, target.logstore, retention_days=days
        )
        return create(make)
    if found == days:
        return SAME
    if not _is_ours(target):
        return Step(mark="used", why=f"keeps records {found} days; the project is not ours")
    change = partial(target.sls.set_retention_days, target.project, target.logstore, days)
    return update(change, (f"- retention_days: {found}", f"+ retention_days: {days}"))


def _index(target: Target) -> Step:
    wanted = index_document()
    found = target.sls.index(target.project, target.logstore)
    put = partial(target.sls.put_index, target.project, target.logstore, wanted)
    if found is None:
        return create(partial(put, exists=False))
    changes = changed_lines(_compared(found, wanted), _compared(wanted, wanted))
    if not changes:
        return SAME
    if not _is_ours(target):
        missing = sorted(set(wanted["keys"]) - set(found.get("keys") or {}))
        if not missing:
            return Step(mark="used", why="has every field; the project is not ours")
        return problem(
            f"lacks {', '.join(missing)}; add them, because the project is not ours to change"
        )
    return update(partial(put, exists=True), changes)


def _compared(index: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parts of an index that are compared: the service adds others."""
    keys = index.get("keys") or {}
    return {
        "line": _only(index.get("line") or {}, wanted["line"]),
        "keys": {
            name: _only(key, wanted["keys"].get(name, key)) for name, key in sorted(keys.items())
        },
    }


def _only(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: given.get(name) for name in wanted}
