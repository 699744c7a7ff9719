"""Faults by chance: the same seed lets the same calls go wrong."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from emulator import Fault
from emulator.chaos import Chance, SeededFaults
from emulator.faults import Faults

DROP = Chance(name="lost", share=0.3, fault=Fault(kind="drop"))


def asked(faults: SeededFaults | Faults, disks: Iterable[str]) -> list[str | None]:
    found = [
        faults.take(service="ecs", region="cn-x", action="CreateSnapshot", params={"DiskId": disk})
        for disk in disks
    ]
    return [None if fault is None else fault.kind for fault in found]


def test_the_same_seed_decides_the_same_whatever_the_order() -> None:
    """What decides is who asks for what, and how often; never who comes first."""
    disks = [f"d-{number}" for number in range(200)]

    forwards = asked(SeededFaults(1, [DROP]), disks)
    backwards = asked(SeededFaults(1, [DROP]), reversed(disks))

    assert forwards == backwards[::-1]
    assert forwards != asked(SeededFaults(2, [DROP]), disks)
    assert 30 < forwards.count("drop") < 90


def test_each_repetition_is_decided_anew() -> None:
    """A call that met a fault gets through in the end."""
    again = asked(SeededFaults(1, [DROP]), ["d-1"] * 200)

    assert 30 < again.count("drop") < 90


@pytest.mark.parametrize("times", [4, None])
def test_a_burst_hits_repetitions_in_a_row(times: int | None) -> None:
    """Throttling does not pass with the next call; None never passes."""
    chance = Chance(name="burst", share=0.5, fault=Fault(kind="empty", times=times))

    found = asked(SeededFaults(3, [chance]), ["d-1"] * 40)

    length = times or 40
    bursts = [found[at : at + length] for at in range(0, 40, length)]
    assert all(len(set(burst)) == 1 for burst in bursts)


def test_the_first_repetitions_may_pass_unharmed() -> None:
    """`skip` lets a run begin before it goes wrong."""
    chance = Chance(name="late", share=1.0, fault=Fault(kind="empty", skip=2))

    assert asked(SeededFaults(0, [chance]), ["d"] * 4) == [None, None, "empty", "empty"]


def test_a_chance_is_about_the_calls_that_its_fault_is_about() -> None:
    """Service, region, action and parameters, as for a fault that is placed by hand."""
    chance = Chance(name="fc", share=1.0, fault=Fault(kind="drop", service="fc"))
    faults = SeededFaults(0, [chance])

    assert asked(faults, ["d-1"]) == [None]
    assert faults.met == []


def test_what_was_placed_by_hand_comes_first() -> None:
    """Both work together; `clear` ends both."""
    faults = Faults()
    faults.seeded = SeededFaults(0, [Chance(name="all", share=1.0, fault=Fault(kind="drop"))])
    faults.add(Fault(kind="hang"))

    assert asked(faults, ["d-1", "d-1"]) == ["hang", "drop"]
    faults.clear()
    assert asked(faults, ["d-1"]) == [None]


def test_every_call_that_met_a_fault_is_noted() -> None:
    """For whoever tells the story of a seed."""
    faults = SeededFaults(0, [Chance(name="all", share=1.0, fault=Fault(kind="drop"))])
    asked(faults, ["d-1", "d-1"])

    assert [(met.name, met.action, met.repetition) for met in faults.met] == [
        ("all", "CreateSnapshot", 0),
        ("all", "CreateSnapshot", 1),
    ]
