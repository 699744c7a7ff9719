"""Whatever bytes arrive, triggers or problems come of them, and never another exception."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import Problems
from shared.policies.policy_file import load_policies
from shared.runtime.json_yaml import read_policies
from shared.triggers.parsing import Kind, parse_trigger
from shared.triggers.routing import route
from tests.clocks import NOON
from tests.unit.builders import ACCOUNT_ID, REGION, as_bytes, cloud_event, lines, tick

ROOT = Path(__file__).parent.parent.parent.parent
KINDS = st.sampled_from(["timer", "event"])
POLICIES = load_policies(read_policies(ROOT / "policies.yaml", Problems()))

INLINE = {"name": "once", "select": {"tags": {"a": ["b"]}}, "snapshot": {"name": "{policy}-x"}}
SAMPLES: list[Any] = [
    tick(),
    tick(payload=json.dumps({"policy": "nightly-production"})),
    tick(payload=json.dumps(INLINE)),
    cloud_event(),
    cloud_event({"diskId": "d-1", "ecsInstanceId": "i-1"}, type="ecs:Disk:Stalled"),
    [cloud_event(), cloud_event(id="e-2")],
    {"key": "k", "policy": "nightly-production"},
    {"key": "k", "disk_ids": ["d-1"], "snapshot": {"name": "xy", "tags": {"a": "b"}}},
    {"key": "k", "instance_ids": ["i-1"]},
    {"key": "k", "tags": {"env": ["prod", "test-*"]}, "dry_run": True},
    *(
        json.loads(path.read_bytes())
        for path in sorted(ROOT.glob("events/*/*.json"))
        if path.parent.name not in ("resume_runs", "report_coverage")  # they have no runs
    ),
]


def judged(event: bytes, kind: Kind) -> tuple[int, list[str]]:
    """Take an event as far as a run of it goes without a call; problems can all be written."""
    parsed = parse_trigger(event, kind=kind, account_id=ACCOUNT_ID, region=REGION)
    problems = list(parsed.problems)
    for trigger in (*parsed.triggers, *parsed.drafts):
        runs, found = route(trigger, POLICIES, region=REGION, now=NOON)
        assert not (runs and found)
        assert all(json.dumps(run.content).isascii() and run.run_key.run_id for run in runs)
        problems.extend(found)
    return len(parsed.triggers), [line for line in lines(problems) if line.encode()]


@given(event=st.binary() | st.text().map(str.encode), kind=KINDS)
def test_random_bytes_are_a_problem_and_nothing_else(event: bytes, kind: Kind) -> None:
    """Arbitrary bytes make no trigger."""
    count, problems = judged(event, kind)

    assert count == 0
    assert problems


@given(event=st.binary(max_size=20).map(lambda noise: b'{"triggerName": "x' + noise), kind=KINDS)
@example(event=b"[" * 100_000, kind="event")
@example(event=b'{"key":' + b"[" * 980 + b"]" * 980 + b"}", kind="event")
@example(event=b'{"key": "\\ud800", "policy": "\\udfff"}', kind="timer")
@example(event=b"9" * 5000, kind="timer")
def test_bytes_that_start_well_are_judged_too(event: bytes, kind: Kind) -> None:
    """Events that were cut, are far too deep or hold half characters."""
    assert judged(event, kind)[1]


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.just("\ud800"),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"x": {"": None}}),
    st.sampled_from(["i-1", "d-1", "{policy", "{x!r:}", "{}", "{{x}}{x}", "0001-01-01T00:00:00Z"]),
)


def paths_of(value: Any) -> list[tuple[Any, ...]]:
    """Return the way to every place in a value."""
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
    return [(), *((key, *rest) for key, inner in inside for rest in paths_of(inner))]


def changed(value: Any, path: tuple[Any, ...], change: str, junk: Any) -> Any:
    """Return a value with another one, one less or one more at a place."""
    if not path:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    key = path[0]
    if len(path) > 1:
        copy[key] = changed(copy[key], path[1:], change, junk)
    elif change == "replace":
        copy[key] = junk
    elif change == "remove":
        del copy[key]
    elif isinstance(copy, dict):
        copy["added"] = junk
    else:
        copy.append(junk)
    return copy


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A good event with up to three changes, some of them inside a timer's payload."""
    event = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths_of(event)))
        event = changed(
            event, path, draw(st.sampled_from(["replace", "remove", "add"])), draw(JUNK)
        )
    return as_bytes(event)


def with_data(data: Any) -> bytes:
    """A sample about an instance that is taken away, with other data."""
    kind = "ecs:Instance:PreemptibleInstanceInterruption"
    [event, *_] = [e for e in SAMPLES if isinstance(e, dict) and e.get("type") == kind]
    return as_bytes({**event, "data": data})


@settings(max_examples=400)
@example(event=with_data(None), kind="event")
@example(event=with_data(["i"]), kind="event")
@given(event=mutations(), kind=KINDS)
def test_a_good_event_with_mistakes_is_judged_and_never_trips_us(event: bytes, kind: Kind) -> None:
    """Every event becomes triggers, problems, or both; nothing is dropped in silence."""
    count, problems = judged(event, kind)

    assert count or problems


@settings(max_examples=200)
@given(data=st.data())
def test_an_inline_policy_with_mistakes_never_trips_us(data: st.DataObject) -> None:
    """A timer's payload is judged as a policy file is."""
    policy: Any = INLINE
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths_of(policy)))
        policy = changed(policy, path, "replace", data.draw(JUNK))

    count, problems = judged(as_bytes(tick(payload=json.dumps(policy))), "timer")

    assert count or problems


def test_the_samples_are_good_at_one_of_the_two_doors() -> None:
    """What is mutated above was good, bar the samples that are there for their mistakes."""
    bad = [
        event
        for event in SAMPLES
        if all(judged(as_bytes(event), kind)[1] for kind in ("timer", "event"))
    ]

    completion, direct = bad
    assert completion["specversion"] == "0.3"
    assert sorted(direct) == ["disk_ids", "dryrun", "key", "snapshot"]
