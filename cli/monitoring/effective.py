"""
The effective outcome of each disk of each run, as SQL; `cli.effective_outcomes` has it in Python.

Pure. One difference: a completion whose run was not known yet has no run, and is not joined here.
"""

from __future__ import annotations

from itertools import groupby

from cli.effective_outcomes import RANKS

_BY_RANK = {
    rank: [status for status, _ in statuses]
    for rank, statuses in groupby(sorted(RANKS.items(), key=lambda item: item[1]), lambda i: i[1])
}


_CASES = " ".join(
    f"when status in ({', '.join(map(repr, statuses))}) then {rank}"
    for rank, statuses in _BY_RANK.items()
)
WEIGHT = f"coalesce(attempt, 1) * 10 + case {_CASES} else 0 end"
"""Of two records of a disk in a run, the one with the higher weight counts."""
LATEST = f"__time__ * 10 + case {_CASES} else 0 end"
"""The order of a disk's records over all runs; several may be of one second."""
IN_WHICH_ORDER = "__time__ * 10 + case when record = 'part_finished' then 1 else 0 end"
"""The order of a part's first and last record, which may be of one second."""


def disks_of(search: str, columns: str) -> str:
    """
    Return a query over the effective status of each disk of each run.

    Args:
        search: What narrows the records down, such as a deployment.
        columns: What to select of `run_id`, `policy`, `disk_id`, `status`, and `began`, the time
            of a disk's first record in Unix seconds.

    """
    return (
        f"record: disk and {search} and not dry_run: true | select {columns} from ("
        "select run_id, policy, disk_id, min(__time__) as began, "
        f"max_by(status, {WEIGHT}) as status from log group by run_id, policy, disk_id)"
    )
