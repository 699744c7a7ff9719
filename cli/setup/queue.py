"""The queue for what Function Compute could not carry out."""

from __future__ import annotations

from functools import partial

from cli.setup.steps import SAME, Step, Thing, create, update
from cli.setup.target import Target

TAG = "ecsnap"
"""The key of the tag that marks a queue; its value is the name of the deployment."""
RETENTION_S = 604_800
"""A week, the longest that a queue keeps a message (SMQ, "CreateQueue")."""


def queue_thing(target: Target) -> Thing:
    """Return the queue."""
    return Thing(name=f"queue '{target.queue}'", look=partial(_queue, target))


def _queue(target: Target) -> Step:
    found = target.smq.queue(target.queue)
    tags = {TAG: target.policies.deployment}
    if found is None:
        make = partial(target.smq.create, target.queue, retention_s=RETENTION_S, tags=tags)
        return create(make)
    if found.tags.get(TAG) != target.policies.deployment:
        return Step(mark="used", why="not made by this deployment; used as it is, never changed")
    if found.retention_s == RETENTION_S:
        return SAME
    change = partial(target.smq.set_retention, target.queue, RETENTION_S)
    return update(change, (f"- retention_s: {found.retention_s}", f"+ retention_s: {RETENTION_S}"))
