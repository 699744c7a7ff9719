"""A continuation: the run, its event, and an id that contains the chain."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Problems
from shared.records.outcome import STATUSES
from shared.triggers.continuation import (
    KEY,
    MAX_PARTS,
    Chain,
    Link,
    link_of,
    payload_of,
    read_link,
)
from shared.triggers.parsing import parse_trigger
from tests.clocks import NOON
from tests.unit.builders import ACCOUNT_ID, REGION, as_bytes, cloud_event, run_key, tick

parts = st.integers(1, MAX_PARTS)
chains = st.from_regex(re.compile(r"[0-9A-Za-z_.:-]{1,128}", re.ASCII), fullmatch=True)


def read(content: Any) -> tuple[Link, list[str]]:
    problems = Problems()
    return read_link(content, problems), [problem.path for problem in problems]


disk_ids = st.from_regex(re.compile(r"d-[a-z0-9]{1,20}", re.ASCII), fullmatch=True)
instants = st.none() | st.integers(0, 10**6).map(lambda passed: NOON + timedelta(seconds=passed))
so_fars = st.builds(
    Chain,
    began_at=instants,
    due_at=instants,
    ask_at=instants,
    pause_s=st.integers(0, 3600),
    left=st.none() | st.dictionaries(st.text(), st.lists(disk_ids).map(tuple)),
    unknown=st.frozensets(disk_ids),
    counts=st.dictionaries(st.sampled_from([*STATUSES, "vanished"]), st.integers(0, 10**6)),
    reason=st.text(max_size=200),
)


@given(part=parts, chain=chains, so_far=so_fars)
def test_what_is_sent_is_what_arrives(part: int, chain: str, so_far: Chain) -> None:
    """Whatever the part, the chain and what it came to: the next invocation reads just them."""
    link = link_of(run_key(), part=part, chain=chain, so_far=so_far)
    parsed = parse_trigger(
        payload_of(link, tick()), kind="timer", account_id=ACCOUNT_ID, region=REGION
    )

    assert (parsed.link, list(parsed.problems)) == (link, [])
    assert [one.trigger_id for one in parsed.triggers] == [run_key().trigger_id]


@given(part=parts, chain=chains)
def test_an_id_is_one_that_fc_takes(part: int, chain: str) -> None:
    """A letter first, at most 128 letters, digits, - and _, whatever the chain is."""
    name = link_of(run_key(), part=part, chain=chain).invocation_id

    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", name, re.ASCII)


def test_an_id_is_the_same_for_the_same_part_and_for_no_other() -> None:
    """A second submission of a part is known as such; another run, part or chain is not."""
    first = link_of(run_key(), part=2, chain="req-1")
    others = [
        link_of(run_key(), part=3, chain="req-1"),
        link_of(run_key(), part=2, chain="req-2"),
        link_of(run_key(policy="other"), part=2, chain="req-1"),
        link_of(run_key(region="cn-shanghai"), part=2, chain="req-1"),
    ]

    assert link_of(run_key(), part=2, chain="req-1").invocation_id == first.invocation_id
    assert len({first.invocation_id, *(one.invocation_id for one in others)}) == 5


def test_all_problems_are_reported_at_once() -> None:
    """A forged payload is rejected with all of its mistakes."""
    _, wrong = read({"part": MAX_PARTS + 1, "run_id": "x", "disks": ["d-1"]})

    assert sorted(wrong) == [
        f"{KEY}.{name}"
        for name in ("chain", "deployment", "disks", "part", "policy", "region", "run_id")
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_whatever_stands_there_is_read_or_rejected(content: Any) -> None:
    """No value of JSON makes the reader stumble, and none of these is a link."""
    event = as_bytes({KEY: content, "event": tick()})
    parsed = parse_trigger(event, kind="timer", account_id=ACCOUNT_ID, region=REGION)

    assert parsed.problems
    assert parsed.triggers == ()


def test_a_part_of_an_event_goes_to_the_function_that_takes_events() -> None:
    """What is inside is judged as if it had come by itself."""
    payload = payload_of(link_of(run_key(), part=2, chain="r"), cloud_event())

    as_event = parse_trigger(payload, kind="event", account_id=ACCOUNT_ID, region=REGION)
    as_timer = parse_trigger(payload, kind="timer", account_id=ACCOUNT_ID, region=REGION)

    assert not as_event.problems
    assert ["snapshot_on_event" in one.rule for one in as_timer.problems] == [True]


def test_a_list_is_no_continuation() -> None:
    """One run of one event: EventBridge's lists never hold one."""
    payload = json.loads(payload_of(link_of(run_key(), part=2, chain="r"), cloud_event()))
    parsed = parse_trigger(as_bytes([payload]), kind="event", account_id=ACCOUNT_ID, region=REGION)

    assert [one.path for one in parsed.problems] == ["[0]"]
