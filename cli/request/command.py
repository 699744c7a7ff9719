"""`ecsnap request`: snapshots now, and whether they were taken; made for pipelines."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from cli.account.access import AccessError, access_of
from cli.console import Output, print_json, print_line
from cli.deployment.variables import MissingVariableError, filled_in
from cli.fc_starter import FcStarter, not_started
from cli.history.runs import parsed_since
from cli.history.source import SourceError
from cli.inventory.account import LONGEST_S, Account, account_of, unlisted
from cli.inventory.plan import Planner, Surroundings
from cli.inventory.survey import listed
from cli.progress import progress as bar
from cli.request.order import Order, OrderError, Progress, ordered, progress
from shared.clients.ecs_errors import EcsError
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.clients.pacing import OutOfTimeError
from shared.coverage.fired import Fired
from shared.policies.policy import DIRECT
from shared.policies.selection import Select
from shared.runtime.clock import SYSTEM_CLOCK, Clock
from shared.runtime.settings import is_loopback
from shared.validation import nearest

FUNCTION = "snapshot_on_schedule"
POLL_S = 10.0
"""Between two listings of the request's snapshots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be done."""

    policies: Path
    """The policy file; `deployment.yaml` is in its folder."""
    policy: str | None = None
    disk_ids: Sequence[str] = ()
    key: str | None = None
    """None for a random one."""
    wait: str | None = None
    """How long to wait for the snapshots, such as ``30m``; None for not at all."""
    dry_run: bool = False
    fun: bool = False
    """The functions were deployed with Fun, to FC 2.0."""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """The environment variables, with the credentials."""
    clock: Clock = SYSTEM_CLOCK


def request(wanted: Wanted, output: Output) -> bool:
    """
    Send a direct request to the deployed function, and wait for its snapshots if asked to.

    Returns:
        Whether it was sent and, if it was waited for, every disk has a good snapshot.

    """
    key = str(uuid.uuid4()) if wanted.key is None else wanted.key
    try:
        wait_s = _wait_s(wanted)
        account = account_of(
            wanted.policies,
            wanted.env,
            clock=wanted.clock,
            longest_s=LONGEST_S + (wait_s or 0),
        )
        order = ordered(
            account.project.policies,
            key=key,
            policy=wanted.policy,
            disk_ids=wanted.disk_ids,
            dry_run=wanted.dry_run,
            home=account.home,
            now=wanted.clock.now(),
        )
        with bar(output.messages) as report:
            report("listing disks")
            disks = _disks(account, order)
        # Before the call: whoever loses the answer needs the key to send the same request again.
        print_line(output.messages, f"key: {key}")
        was_there = _sent(account, order, wanted)
    except (SourceError, OrderError) as exc:
        print_line(output.messages, str(exc), "red")
        return False
    count = sum(map(len, disks.values()))
    what = "FC has this key already; nothing was sent" if was_there else "requested"
    print_line(output.messages, f"{what}: {count} {'disk' if count == 1 else 'disks'}")
    if wait_s is None:
        _show(order, output, None)
        return True
    return _waited(account, order, disks, wait_s, output)


def _wait_s(wanted: Wanted) -> float | None:
    if wanted.wait is None:
        return None
    if wanted.dry_run:
        raise OrderError("--wait: a dry run takes no snapshot that could be waited for")
    return parsed_since(wanted.wait, "--wait").total_seconds()


def _disks(account: Account, order: Order) -> Mapping[str, set[str]]:
    """Return by region the disks that a request means; raises SourceError if there are none."""
    limits = account.project.policies.limits
    policy = order.runs[0].policy
    try:
        if policy.name == DIRECT:
            ids = set(policy.select.disk_ids)
            found = _listed(account, sorted(ids))
            if unknown := sorted(ids - found):
                known = [disk.disk_id for disk in account.disks(account.home)]
                lines = [
                    f"'{one}': no such disk in {account.home}{nearest(one, known)}"
                    for one in unknown
                ]
                raise SourceError("\n".join([*lines, "nothing was sent"]))
            return {account.home: ids}
        meant = replace(policy, dry_run=policy.dry_run and not order.is_dry_run)
        planner = Planner(
            fired=[Fired(policy=meant, timers={}, is_requested=True)],
            around=Surroundings(limits=limits, part_s=1, home=account.home),
        )
        for region, disk, instances in listed(account):
            planner.add(region, disk, instances)
    except (EcsError, OutOfTimeError) as exc:
        raise SourceError(f"cannot be listed: {unlisted(exc)}; nothing was sent") from exc
    (one,) = planner.planned(account.clock.now())
    if not one.disks:
        reasons = "; ".join(f"{why} ({count})" for why, count in one.left_out.items())
        raise SourceError(
            f"policy {policy.name} takes no disk: {reasons or 'there is none'}; nothing was sent"
        )
    too_many = [line for line in one.warnings if "limits.max_disks" in line]
    if too_many:
        raise SourceError("\n".join([*too_many, "nothing was sent"]))
    return {region: set(ids) for region, ids in one.taken.items()}


def _listed(account: Account, ids: Sequence[str]) -> set[str]:
    disks = account.inventory(account.home).disks(Select(disk_ids=tuple(ids)), None)
    return {disk.disk_id for disk in disks}


def _sent(account: Account, order: Order, wanted: Wanted) -> bool:
    """Start the function; return whether FC had the request already; raises SourceError."""
    project = account.project
    try:
        access = access_of(wanted.env, region=account.home, services=("FC",))
        deployment = filled_in(project.deployment, wanted.env)
    except (AccessError, MissingVariableError) as exc:
        raise SourceError(str(exc)) from exc
    local = [_is_local(access.endpoints.get("FC")), _is_local(account.endpoints.get(account.home))]
    if any(local) and not all(local):
        raise SourceError(
            f"{'ECS' if local[0] else 'FC'}_ENDPOINT: not that of an emulator, but the other of "
            "ECS_ENDPOINT and FC_ENDPOINT is; set both or none, so that nothing is changed in a "
            "real account"
        )
    starter = FcStarter(
        access=access,
        account_id=deployment.account_id,
        names=project.names,
        clock=account.clock,
        fun=wanted.fun,
    )
    try:
        starter.start(FUNCTION, order.event, invocation_id=order.task_id)
    except DuplicateInvocationError:
        return True
    except FcError as exc:
        text = f"{not_started(exc)}; send it again with --key {order.key}"
        raise SourceError(text) from exc
    return False


def _is_local(address: str | None) -> bool:
    return address is not None and is_loopback(address)


def _waited(
    account: Account,
    order: Order,
    disks: Mapping[str, set[str]],
    wait_s: float,
    output: Output,
) -> bool:
    ends = account.clock.monotonic() + wait_s
    retries = any(run.policy.retry_failed_snapshots for run in order.runs)
    total = sum(map(len, disks.values()))
    with bar(output.messages) as report:
        report("waiting for snapshots", 0, total)
        while True:
            try:
                found = _progress(account, order, disks)
            except (EcsError, OutOfTimeError) as exc:
                line = f"cannot be listed: {unlisted(exc)}; {_goes_on(order)}"
                print_line(output.messages, line, "red")
                return False
            report("waiting for snapshots", len(found.done), total)
            is_over = not found.open and not (found.failed and retries)
            if is_over or account.clock.monotonic() >= ends:
                break
            account.clock.sleep(min(POLL_S, max(0.0, ends - account.clock.monotonic())))
    _show(order, output, found)
    if found.open:
        _say_what_is_open(order, found, output)
    return not found.open and not found.failed


def _progress(account: Account, order: Order, disks: Mapping[str, set[str]]) -> Progress:
    """Return what came of all regions together."""
    parts = [
        progress(
            run.run_key,
            disks[run.run_key.region],
            account.inventory(run.run_key.region).tagged_snapshots(run.run_key),
        )
        for run in order.runs
        if run.run_key.region in disks
    ]
    return Progress(
        done=dict(chain.from_iterable(part.done.items() for part in parts)),
        failed=dict(chain.from_iterable(part.failed.items() for part in parts)),
        open=sorted(chain.from_iterable(part.open for part in parts)),
    )


def _say_what_is_open(order: Order, found: Progress, output: Output) -> None:
    some = ", ".join(list(found.open)[:5])
    ids = ", ".join(run.run_key.run_id[:8] for run in order.runs)
    line = f"time is over, and {len(found.open)} are open: {some}; `ecsnap runs {ids}` says why; "
    print_line(output.messages, line + _goes_on(order), "red")


def _goes_on(order: Order) -> str:
    return f"--key {order.key} --wait 30m goes on waiting"


def _show(order: Order, output: Output, found: Progress | None) -> None:
    if output.as_json:
        print_json(output.console, _document(order, found))
        return
    for line in _lines(order, found):
        print_line(output.console, line)


def _document(order: Order, found: Progress | None) -> dict[str, object]:
    document: dict[str, object] = {
        "key": order.key,
        "runs": {run.run_key.region: run.run_key.run_id for run in order.runs},
    }
    if found is not None:
        document |= {
            "accomplished": dict(found.done),
            "failed": dict(found.failed),
            "open": list(found.open),
        }
    return document


def _lines(order: Order, found: Progress | None) -> Iterator[str]:
    for run in order.runs:
        yield f"run {run.run_key.run_id} in {run.run_key.region}"
    if found is not None:
        for disk_id, snapshot_id in sorted(found.failed.items()):
            yield f"{disk_id}: {snapshot_id} failed in ECS"
        yield str(found)
