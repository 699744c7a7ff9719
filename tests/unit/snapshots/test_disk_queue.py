"""Which disk is tried next, and when a rejection concerns them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from shared.snapshots.disk_queue import (
    IN_A_ROW,
    SAMPLES,
    Candidate,
    Candidates,
    spread,
)
from shared.snapshots.disk_task import DiskTask

CODE = "Forbidden.RAM"


@dataclass(frozen=True)
class Disk:
    disk_id: str
    group: str = ""
    foreseen: str = ""
    is_busy: bool = False


def disks(number: int, *, group: str = "", first: int = 0) -> list[Disk]:
    return [Disk(f"d-{first + place}", group) for place in range(number)]


def tried(all_disks: Sequence[Candidate], forbidden: set[str]) -> tuple[list[str], bool]:
    """Try one disk after the other; returns which were tried, and whether it concerned all."""
    candidates: Candidates[Candidate] = Candidates(iter(all_disks))
    asked: list[str] = []
    while disk := candidates.take():
        asked.append(disk.disk_id)
        if disk.disk_id not in forbidden:
            candidates.answered(disk.disk_id, accepted=True)
        elif candidates.rejected(disk, CODE):
            return asked, True
    return asked, False


@given(good=st.sets(st.integers(0, 79)), number=st.integers(0, 80))
def test_each_disk_is_tried_once_or_the_run_ends_after_ten_samples(
    good: set[int], number: int
) -> None:
    """L4, L18: whichever disks are rejected, none is asked twice and none is forgotten."""
    every = disks(number)
    forbidden = {disk.disk_id for place, disk in enumerate(every) if place not in good}

    asked, all_rejected = tried(every, forbidden)

    assert len(set(asked)) == len(asked)
    if all_rejected:
        assert set(asked[-SAMPLES - IN_A_ROW :]) <= forbidden
    else:
        assert sorted(asked) == sorted(disk.disk_id for disk in every)


@given(bad=st.integers(0, 60), good=st.integers(12, 60))
def test_a_group_of_rejected_disks_ends_no_run_whose_other_group_is_good(
    bad: int, good: int
) -> None:
    """L4: listings come grouped: the rejected ones first, and at least as many good ones after."""
    every = disks(bad + max(good, bad))

    asked, all_rejected = tried(every, {disk.disk_id for disk in every[:bad]})

    assert not all_rejected
    assert len(asked) == len(every)


def test_all_rejected_is_found_out_with_fifteen() -> None:
    """L18: the first five, and ten that are spread evenly over the others."""
    asked, all_rejected = tried(disks(205), {f"d-{number}" for number in range(205)})

    assert all_rejected
    assert asked[:5] == [f"d-{n}" for n in range(5)]
    places = [int(disk[2:]) - 5 for disk in asked[5:]]
    assert all(abs(place - (10 + 20 * n)) <= 3 for n, place in enumerate(places))
    assert len(places) == 10


def test_samples_of_other_groups_come_first() -> None:
    """L18: roles are scoped by group; what is missing is taken from the same one."""
    every = [*disks(100, group="rg-a"), *disks(3, group="rg-b", first=100)]

    asked, all_rejected = tried(every, {f"d-{number}" for number in range(103)})

    assert asked[5:8] == ["d-100", "d-101", "d-102"]
    assert len(asked) == 15
    assert all_rejected


def test_a_group_that_may_be_touched_is_found_however_small_it_is() -> None:
    """N9: three disks behind a hundred that are forbidden."""
    every = [*disks(100, group="rg-a"), *disks(3, group="rg-b", first=100)]

    asked, _ = tried(every, {f"d-{number}" for number in range(100)})

    assert {"d-100", "d-101", "d-102"} <= set(asked)


def test_few_disks_are_all_tried() -> None:
    """As many calls as the samples would cost."""
    asked, all_rejected = tried(disks(15), {f"d-{number}" for number in range(15)})

    assert (len(asked), all_rejected) == (15, False)


def test_while_samples_are_out_nothing_else_starts() -> None:
    """L18: and an answer that was sent before them decides nothing."""
    every = disks(100)
    candidates = Candidates(iter(every))
    first = [candidates.take() for _ in range(6)]
    for disk in first[:5]:
        assert disk is not None
        candidates.rejected(disk, CODE)
    samples = [candidates.take() for _ in range(SAMPLES)]
    assert candidates.take() is None
    assert first[5] is not None
    assert not candidates.rejected(first[5], CODE)

    assert samples[0] is not None
    candidates.answered(samples[0].disk_id, accepted=False)

    assert candidates.take() == every[6]


def test_other_codes_in_between_begin_a_new_row() -> None:
    """L4: five disks with one and the same code."""
    candidates = Candidates(iter(disks(100)))
    for number in range(30):
        disk = candidates.take()
        assert disk is not None
        assert disk.disk_id == f"d-{number}"
        assert not candidates.rejected(disk, CODE if number % 5 else "NoPermission")


def test_disks_that_have_to_wait_are_no_samples() -> None:
    """They would hold up all others."""
    waiting = [Disk(f"d-{n}", foreseen="IncorrectDiskStatus") for n in range(5, 60)]
    busy = [Disk(f"d-{n}", is_busy=True) for n in range(60, 100)]
    able = disks(12, first=100)

    asked, _ = tried([*disks(5), *waiting, *busy, *able], {f"d-{number}" for number in range(112)})

    assert {int(disk[2:]) for disk in asked[5:15]} <= set(range(100, 112))


@given(count=st.integers(0, 3000), number=st.integers(0, 200))
def test_samples_are_different_disks_and_one_of_each_part(count: int, number: int) -> None:
    """N9: whatever number of whatever many."""
    every = disks(count)

    found = [int(disk.disk_id[2:]) for disk in spread(every, number)]

    assert len(set(found)) == len(found) == min(count, number)
    if count > number:
        parts = [
            (place * count // number, -(-(place + 1) * count // number)) for place in range(number)
        ]
        assert all(low <= at < high for at, (low, high) in zip(found, parts, strict=True))


def jobs(number: int) -> Iterator[DiskTask]:
    return (DiskTask(disk_id=f"d-{one}") for one in range(number))


def test_drawing_again_and_again_looks_at_few_disks_each_time() -> None:
    """N9: where a role may touch half of 20,000, and where every second five, nothing stops it."""
    reads = 0

    class Counted(DiskTask):
        def __getattribute__(self, name: str) -> object:
            nonlocal reads
            reads += name == "foreseen"
            return super().__getattribute__(name)

    every = [Counted(disk_id=f"d-{number}") for number in range(20_000)]

    asked, all_rejected = tried(every, {f"d-{n}" for n in range(20_000) if n % 10 < IN_A_ROW})

    assert len(asked) == 20_000
    assert not all_rejected
    assert reads < 100 * 20_000


def test_samples_that_were_not_tried_come_first_when_one_was_accepted() -> None:
    """Each disk comes once, whatever was drawn and given back."""
    candidates, came = Candidates(jobs(100)), []
    for _ in range(IN_A_ROW):
        job = candidates.take()
        assert job is not None
        came.append(job.disk_id)
        candidates.rejected(job, "Forbidden.RAM")
    sample = candidates.take()
    assert sample is not None
    candidates.answered(sample.disk_id, accepted=True)
    came += [sample.disk_id, *(job.disk_id for job in candidates.rest())]

    assert sorted(came) == sorted(f"d-{one}" for one in range(100))
    assert len(came[IN_A_ROW + 1 :]) == 100 - IN_A_ROW - 1
    assert SAMPLES < 100
