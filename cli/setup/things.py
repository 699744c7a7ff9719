"""Everything that a deployment needs in the account, in the order in which it is made."""

from __future__ import annotations

from collections.abc import Iterator

from cli.setup.log import log_things
from cli.setup.monitoring import monitoring_things
from cli.setup.queue import queue_thing
from cli.setup.roles import role_things
from cli.setup.steps import Thing
from cli.setup.target import Target
from cli.setup.triggers import stale_trigger_things


def all_things(target: Target) -> Iterator[Thing]:
    """Yield all things, each after those that it needs."""
    yield from log_things(target)
    yield queue_thing(target)
    yield from role_things(target)
    yield from monitoring_things(target)
    yield from stale_trigger_things(target)
