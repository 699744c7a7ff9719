"""The disks to come: as many as there are, none of them wrapped up for each that was accepted."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import chain

from shared.candidates import IN_A_ROW, SAMPLES, Candidates
from shared.execution import Job


def jobs(number: int) -> Iterator[Job]:
    return (Job(disk_id=f"d-{one}") for one in range(number))


def test_what_is_kept_does_not_grow_with_the_disks_that_were_accepted() -> None:
    """L5: 100,000 acceptances in a row leave no more behind than one."""
    before = sum(isinstance(one, chain) for one in gc.get_objects())
    candidates = Candidates(jobs(1_000))
    for _ in range(500):
        job = candidates.take()
        assert job is not None
        candidates.answered(job.disk_id, accepted=True)

    assert sum(isinstance(one, chain) for one in gc.get_objects()) - before <= 1


def test_samples_that_were_not_tried_come_first_when_one_was_accepted() -> None:
    """Each disk comes once, whatever was drawn and given back."""
    candidates, came = Candidates(jobs(100)), []
    for _ in range(IN_A_ROW):
        job = candidates.take()
        assert job is not None
        came.append(job.disk_id)
        candidates.refused(job, "Forbidden.RAM")
    sample = candidates.take()
    assert sample is not None
    candidates.answered(sample.disk_id, accepted=True)
    came += [sample.disk_id, *(job.disk_id for job in candidates.rest())]

    assert sorted(came) == sorted(f"d-{one}" for one in range(100))
    assert len(came[IN_A_ROW + 1 :]) == 100 - IN_A_ROW - 1
    assert SAMPLES < 100
