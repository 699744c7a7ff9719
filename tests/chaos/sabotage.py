"""
Ways to break what ships, one at a time: each must be caught, by the invariant that it breaks.

They replace an attribute of a module (`seams.replaced`), since what ships has no switch for
being wrong.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from shared import outcomes, planning, run
from shared.ledger import Ledger
from shared.pacing import Pacer
from tests.chaos.seams import replaced


def random_token() -> AbstractContextManager[None]:
    """A part of each client token is random: the same request again is another one."""

    def token(*_: object, **__: object) -> str:
        return secrets.token_hex(32)

    return replaced(planning, "client_token", token)


def empty_ledger() -> AbstractContextManager[None]:
    """The ledger shows nothing, whatever ECS lists."""

    def add(_ledger: Ledger, _snapshot: object) -> None:
        pass

    return replaced(Ledger, "add", add)


def no_deadline() -> AbstractContextManager[None]:
    """Calls go on, whatever time it is; Function Compute goes by its own."""

    class Patient(Pacer):
        def __init__(self, *, deadline: float, **others: object) -> None:
            super().__init__(deadline=deadline * math.inf, **others)  # type: ignore[arg-type] # as they came

    return replaced(run, "Pacer", Patient)


def last_one_wins() -> AbstractContextManager[None]:
    """The fold takes the record that came last, whatever it says."""

    def fold(records: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], Mapping[str, str]]:
        return {
            (record["slot"], record["disk_id"]): record
            for record in records
            if record.get("record") == "disk" and record.get("slot")
        }

    return replaced(outcomes, "fold", fold)
