"""`ecsnap request`: snapshots now, and whether they were taken; made for pipelines."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from cli.account.access import AccessError, access_of
from cli.console import Output, print_json, print_line
from cli.deployment.variables import MissingVariableError, filled_in
from cli.fc_starter import FcStarter, not_started
from cli.history.runs import parsed_since
from cli.history.source import SourceError
from cli.inventory.account import LONGEST_S, Account, account_of, unlisted
from cli.progress import progress as bar
from cli.request.order import Order, OrderError, Progress, ordered, progress
from cli.request.selection import Meant, meant
from shared.clients.ecs_errors import EcsError
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.clients.pacing import OutOfTimeError
from shared.runtime.clock import SYSTEM_CLOCK, Clock
from shared.runtime.settings import is_loopback

FUNCTION = "snapshot_on_schedule"
POLL_S = 10.0
"""Between two listings of the request's snapshots."""
MAX_NAMED = 5
"""How many disks a message names; the result has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be done."""

    policies: Path
    """The policy file; `deployment.yaml` is in its folder."""
    policy: str | None = None
    """Of this, and the next three, one is given."""
    disk_ids: Sequence[str] = ()
    instance_ids: Sequence[str] = ()
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Keys, each with the patterns of its value."""
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

    @property
    def asked(self) -> Mapping[str, object]:
        """Return what is asked for, as the event has it."""
        given = {
            "policy": self.policy,
            "disk_ids": list(self.disk_ids),
            "instance_ids": list(self.instance_ids),
            "tags": {key: list(values) for key, values in self.tags.items()},
        }
        return {name: value for name, value in given.items() if value}


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
            asked=wanted.asked,
            dry_run=wanted.dry_run,
            home=account.home,
            now=wanted.clock.now(),
        )
        with bar(output.messages) as report:
            report("listing disks")
            found = meant(account, order)
        # Before the call: whoever loses the answer needs the key to send the same request again.
        print_line(output.messages, f"key: {key}")
        was_there = _sent(account, order, wanted)
    except (SourceError, OrderError) as exc:
        print_line(output.messages, str(exc), "red")
        return False
    what = "FC has this key already; nothing was sent" if was_there else "requested"
    print_line(output.messages, f"{what}: {_disks(found.count)}")
    for why, count in found.left_out.items():
        print_line(output.messages, f"left out: {_disks(count)}: {why}", "yellow")
    if wait_s is None:
        _show(order, output, found, None)
        return True
    return _waited(account, order, found, wait_s, output)


def _disks(count: int) -> str:
    return f"{count} {'disk' if count == 1 else 'disks'}"


def _wait_s(wanted: Wanted) -> float | None:
    if wanted.wait is None:
        return None
    if wanted.dry_run:
        raise OrderError("--wait: a dry run takes no snapshot that could be waited for")
    return parsed_since(wanted.wait, "--wait").total_seconds()


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
    disks: Meant,
    wait_s: float,
    output: Output,
) -> bool:
    ends = account.clock.monotonic() + wait_s
    retries = any(run.policy.retry_failed_snapshots for run in order.runs)
    total = disks.count
    with bar(output.messages) as report:
        report("waiting for snapshots", 0, total)
        while True:
            try:
                found = _progress(account, order, disks.disks)
            except (EcsError, OutOfTimeError) as exc:
                line = f"cannot be listed: {unlisted(exc)}; {_goes_on(order)}"
                print_line(output.messages, line, "red")
                return False
            report("waiting for snapshots", len(found.done), total)
            is_over = not found.open and not (found.failed and retries)
            if is_over or account.clock.monotonic() >= ends:
                break
            account.clock.sleep(min(POLL_S, max(0.0, ends - account.clock.monotonic())))
    _show(order, output, disks, found)
    if found.failed:
        _say_what_failed(found, output)
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


def _say_what_failed(found: Progress, output: Output) -> None:
    some = ", ".join(sorted(found.failed)[:MAX_NAMED])
    line = f"{_disks(len(found.failed))} failed in ECS: {some}; another --key takes them again"
    print_line(output.messages, line, "red")


def _say_what_is_open(order: Order, found: Progress, output: Output) -> None:
    some = ", ".join(list(found.open)[:MAX_NAMED])
    ids = ", ".join(run.run_key.run_id[:8] for run in order.runs)
    line = (
        f"time is over, and {_disks(len(found.open))} open: {some}; `ecsnap runs {ids}` says why. "
        "One that was rejected needs another --key; for the others "
    )
    print_line(output.messages, line + _goes_on(order), "red")


def _goes_on(order: Order) -> str:
    return f"--key {order.key} --wait goes on waiting"


def _show(order: Order, output: Output, disks: Meant, found: Progress | None) -> None:
    if output.as_json:
        print_json(output.console, _document(order, disks, found))
        return
    for line in _lines(order, found):
        print_line(output.console, line)


def _document(order: Order, disks: Meant, found: Progress | None) -> dict[str, object]:
    document: dict[str, object] = {
        "key": order.key,
        "disks": disks.count,
        "left_out": dict(disks.left_out),
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
