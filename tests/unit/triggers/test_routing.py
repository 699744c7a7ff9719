"""Which policies a trigger concerns, and the runs that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.policies.policy import PolicyFile
from shared.policies.selection import Select
from shared.policies.snapshot_settings import SnapshotSettings
from shared.triggers.routing import Run, route
from shared.triggers.trigger import Trigger
from tests.clocks import NOON
from tests.unit.builders import NIGHTLY, REGION, direct, event, lines, policies, timer

STATE = "ecs:Instance:StateChange"
STOPPED = {"name": "stopped", "on": {"event": STATE}, "select": {"event_resource": True}}


def routed(
    trigger: Trigger, file: PolicyFile | None = None, *, now: datetime = NOON
) -> tuple[tuple[Run, ...], list[str]]:
    runs, problems = route(trigger, file or policies(), region=REGION, now=now)
    return runs, lines(problems)


def runs_of(trigger: Trigger, *of: Mapping[str, Any], **top: Any) -> tuple[Run, ...]:
    """Return the runs of a trigger that is good."""
    runs, problems = routed(trigger, policies(*of, **top))
    assert problems == []
    return runs


def problem_of(trigger: Trigger, *of: Mapping[str, Any], **top: Any) -> str:
    """Return the one problem of a trigger, for which nothing runs."""
    runs, (problem,) = routed(trigger, policies(*of, **top))
    assert runs == ()
    return problem


def names(runs: tuple[Run, ...]) -> list[tuple[str, str]]:
    return [(run.run_key.policy, run.run_key.region) for run in runs]


# --- runs -----------------------------------------------------------------------------------


def test_a_run_is_one_run() -> None:
    """Deployment, policy, region and trigger: the identity of a run."""
    trigger = timer(content={"triggerName": "nightly"})

    (run,) = runs_of(trigger)

    assert run.run_key.deployment == "main"
    assert names((run,)) == [("nightly", REGION)]
    assert run.run_key.trigger_id == trigger.trigger_id
    assert run.run_key.trigger_time == NOON
    assert run.select == Select(tags=(("env", ("prod",)),))
    assert (run.trigger_kind, run.dry_run, run.content) == ("timer", False, trigger.content)


def test_regions_fan_out() -> None:
    """Each region is a run of its own; none named is the function's own."""
    (one, two) = runs_of(timer(), {**NIGHTLY, "regions": ["cn-beijing", "cn-shanghai"]})

    assert names((one, two)) == [("nightly", "cn-beijing"), ("nightly", "cn-shanghai")]
    assert one.run_key.run_id != two.run_key.run_id


def test_the_same_trigger_has_the_same_runs_whenever_it_comes() -> None:
    """D1, D4: a redelivery is the same runs."""
    first, _ = routed(timer())
    second, _ = routed(timer(), now=NOON + timedelta(hours=3))

    assert first == second


# --- age -------------------------------------------------------------------------------------

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("trigger", [timer(), event()])
@pytest.mark.parametrize("age", [25 * HOUR, timedelta(0), timedelta(minutes=-5)])
def test_a_trigger_may_be_as_old_as_the_limit(trigger: Trigger, age: timedelta) -> None:
    """FC keeps events for 24 hours: one more is still taken, and so is a clock that is off."""
    _, problems = routed(trigger, policies(NIGHTLY, STOPPED), now=NOON + age)

    assert problems == []


@pytest.mark.parametrize(
    ("trigger", "path"), [(timer(), "triggerTime"), (event(), "event e-1.time")]
)
def test_an_older_trigger_is_rejected(trigger: Trigger, path: str) -> None:
    """Its token may be forgotten and its snapshot pruned: it could be taken twice."""
    runs, problems = routed(trigger, policies(NIGHTLY, STOPPED), now=NOON + 25 * HOUR + SECOND)

    assert runs == ()
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: '2026-03-01T12:00:00Z': is more than 25 hours old")


def test_the_limit_is_the_operators() -> None:
    """limits.max_trigger_age_hours counts hours."""
    file = policies(limits={"max_trigger_age_hours": 1})

    assert routed(timer(), file, now=NOON + HOUR)[1] == []
    assert len(routed(timer(), file, now=NOON + HOUR + SECOND)[1]) == 1


def test_a_trigger_of_the_future_is_rejected() -> None:
    """The listing starts at the trigger time, so it would miss earlier snapshots."""
    runs, problems = routed(timer(), now=NOON - timedelta(minutes=5) - SECOND)

    assert runs == ()
    (problem,) = problems
    assert problem == (
        "triggerTime: '2026-03-01T12:00:00Z': is ahead of the function's clock, "
        "2026-03-01T11:54:59Z"
    )


def test_a_direct_request_has_no_age() -> None:
    """A key may be sent again at any time."""
    _, problems = routed(direct(policy="nightly"), now=NOON + 1000 * HOUR)

    assert problems == []


# --- timers ----------------------------------------------------------------------------------


def test_a_timer_runs_all_policies_of_its_name() -> None:
    """Without a payload the trigger's name finds the policies."""
    hourly = {**NIGHTLY, "name": "hourly", "on": {"timer": "hourly"}}
    also = {**NIGHTLY, "name": "also-nightly"}

    assert names(runs_of(timer(), NIGHTLY, hourly, also, STOPPED)) == [
        ("nightly", REGION),
        ("also-nightly", REGION),
    ]


def test_a_timer_that_no_policy_knows_is_a_mistake() -> None:
    """L1, L2: a timer without a policy is reported, with the names that exist."""
    assert problem_of(timer("nightlyy")) == (
        "triggerName: 'nightlyy': no policy has this on.timer; known: nightly"
    )


def test_a_timer_whose_policies_are_switched_off_runs_nothing() -> None:
    """That is what switching off means: no runs, and nothing wrong."""
    assert runs_of(timer(), {**NIGHTLY, "enabled": False}) == ()


def test_a_payload_names_the_policy_whatever_timer_it_is_on() -> None:
    """{"policy": NAME}."""
    assert names(runs_of(timer("other", policy="nightly"))) == [("nightly", REGION)]
    assert problem_of(timer(policy="nightlyy")) == (
        "payload.policy: 'nightlyy': no such policy; known: nightly; did you mean 'nightly'?"
    )


def test_a_policy_that_is_named_and_switched_off_is_a_mistake() -> None:
    """L1: something was wanted, so it is not answered with "ok"."""
    off = {**NIGHTLY, "enabled": False}

    assert problem_of(timer(policy="nightly"), off).startswith(
        "payload.policy: 'nightly': is disabled"
    )
    assert problem_of(direct(policy="nightly"), off).startswith("policy: 'nightly': is disabled")


def test_a_policy_on_an_events_resource_needs_an_event() -> None:
    """A timer or a direct request is about no resource."""
    for trigger in (timer(policy="stopped"), direct(policy="stopped")):
        assert problem_of(trigger, NIGHTLY, STOPPED) == (
            "policy: 'stopped': has select.event_resource: true, so it runs on events only"
        )


# --- inline policies -----------------------------------------------------------------------------

ONCE: dict[str, Any] = {"name": "once", "select": {"tags": {"a": "b"}}}


def test_a_payload_may_be_a_whole_policy() -> None:
    """It meets the same rules and the same defaults as one of the file."""
    defaults = {
        "select": {"exclude_tags": {"snapshot": "never"}},
        "snapshot": {"retention_days": 14},
    }

    (run,) = runs_of(timer("any", inline=ONCE), defaults=defaults)

    assert names((run,)) == [("once", REGION)]
    assert run.select == Select(tags=(("a", ("b",)),), exclude_tags=(("snapshot", ("never",)),))
    assert run.policy.snapshot.retention_days == 14
    assert runs_of(timer("any", inline={**ONCE, "on": {"timer": "any"}}))


@pytest.mark.parametrize(
    ("inline", "path"),
    [
        ({**ONCE, "name": "nightly"}, "payload.name"),
        ({**ONCE, "name": "direct"}, "payload.name"),
        ({**ONCE, "on": {"timer": "other"}}, "payload.on"),
        ({**ONCE, "on": {"event": STATE}}, "payload.on"),
        ({**ONCE, "select": {"event_resource": True}}, "payload.select.event_resource"),
        ({**ONCE, "snapshot": {"retention_days": 0}}, "payload.snapshot.retention_days"),
        ({**ONCE, "retry_failed_snapshots": 1}, "payload.retry_failed_snapshots"),
        ({"select": {"all": True}}, "payload.name"),
    ],
)
def test_another_inline_policy_is_rejected(inline: dict[str, Any], path: str) -> None:
    """A name that a policy has already would make their runs one."""
    assert problem_of(timer("any", inline=inline)).startswith(f"{path}: ")


def test_an_empty_inline_policy_is_rejected_whatever_the_defaults_are() -> None:
    """L2: `{}` names nothing and is no policy, also where the defaults select something."""
    defaults = {"select": {"disk_types": ["data"]}}

    runs, problems = routed(timer(inline={}), policies(defaults=defaults))

    assert runs == ()
    assert [problem.partition(";")[0] for problem in problems] == [
        "payload.name: is required",
        "payload.select: is required",
    ]


def test_an_inline_policy_may_be_switched_off() -> None:
    """As one of the file may."""
    assert runs_of(timer(inline={**ONCE, "enabled": False})) == ()


# --- events ----------------------------------------------------------------------------------


def test_an_event_runs_the_policies_that_want_it() -> None:
    """By type and conditions; those that are switched off do not count."""
    running = {**STOPPED, "name": "r", "on": {"event": STATE, "where": {"data.state": "Running"}}}
    off = {**STOPPED, "name": "off", "enabled": False}

    assert names(runs_of(event(), NIGHTLY, running, STOPPED, off)) == [("stopped", REGION)]
    assert runs_of(event(), NIGHTLY, running, off) == ()


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"instance_ids": ("i-1",)}, Select(instance_ids=("i-1",), disk_types=("data",))),
        (
            {"instance_ids": (), "disk_ids": ("d-1", "d-2")},
            Select(disk_ids=("d-1", "d-2"), disk_types=("data",)),
        ),
        (
            {"instance_ids": ("i-1", "i-2")},
            Select(instance_ids=("i-1", "i-2"), disk_types=("data",)),
        ),
    ],
)
def test_what_the_event_is_about_is_selected(about: dict[str, Any], expected: Select) -> None:
    """event_resource becomes an id; the rest of the selection narrows it further."""
    policy = {**STOPPED, "select": {"event_resource": True, "disk_types": ["data"]}}

    (run,) = runs_of(event(**about), policy)

    assert run.select == expected


@pytest.mark.parametrize(
    ("select", "about", "expected"),
    [
        ({"instance_ids": ["i-1", "i-2"]}, {"instance_ids": ("i-1",)}, True),
        ({"instance_ids": ["i-2"]}, {"instance_ids": ("i-1",)}, False),
        ({"disk_ids": ["d-1"]}, {"instance_ids": (), "disk_ids": ("d-1",)}, True),
        ({"disk_ids": ["d-2"]}, {"instance_ids": (), "disk_ids": ("d-1",)}, False),
        ({"instance_ids": ["i-2"]}, {"instance_ids": ("i-1", "i-3")}, False),
    ],
)
def test_an_event_about_another_resource_is_not_wanted(
    select: dict[str, Any], about: dict[str, Any], *, expected: bool
) -> None:
    """Ids narrow event_resource; what they leave out is no match, and nothing is wrong."""
    policy = {**STOPPED, "select": {"event_resource": True, **select}}

    assert bool(runs_of(event(**about), policy)) is expected


def test_of_several_resources_those_that_the_policy_names_are_selected() -> None:
    """N6: each of them; the policy's own ids narrow the list."""
    policy = {**STOPPED, "select": {"event_resource": True, "disk_ids": ["d-3", "d-2", "d-9"]}}

    (run,) = runs_of(event(instance_ids=(), disk_ids=("d-1", "d-2", "d-3")), policy)

    assert run.select == Select(disk_ids=("d-2", "d-3"))


def test_a_policy_may_act_on_others_than_the_events_resource() -> None:
    """Without event_resource the selection is the policy's own."""
    policy = {**STOPPED, "select": {"tags": {"env": "prod"}}}

    (run,) = runs_of(event(instance_ids=()), policy)

    assert run.select == Select(tags=(("env", ("prod",)),))


def test_an_event_that_names_no_resource_is_a_mistake_where_one_is_wanted() -> None:
    """L1: the event matches, and names no resource."""
    nameless = event(instance_ids=(), content={"data": {"x": 1}})

    assert problem_of(nameless, STOPPED) == (
        "event e-1.data: {'x': 1}: must contain an instance or disk id, because policy stopped has "
        "select.event_resource: true"
    )


# --- direct requests -----------------------------------------------------------------------------


def test_a_direct_request_for_disks_takes_just_these() -> None:
    """The defaults' snapshot settings hold; what narrows the policies' selections does not."""
    defaults = {
        "enabled": False,
        "regions": ["cn-beijing"],
        "dry_run": True,
        "select": {"exclude_tags": {"snapshot": "never"}},
        "snapshot": {"retention_days": 14, "tags": {"a": "1"}},
    }

    (run,) = runs_of(direct(disk_ids=("d-1", "d-2")), defaults=defaults)

    assert names((run,)) == [("direct", REGION)]
    assert run.select == Select(disk_ids=("d-1", "d-2"))
    assert run.policy.snapshot == SnapshotSettings(retention_days=14, tags=(("a", "1"),))
    assert (run.trigger_kind, run.dry_run, run.run_key.trigger_time) == ("direct", False, None)


@pytest.mark.parametrize(
    ("asked", "select"),
    [
        ({"instance_ids": ("i-1",)}, Select(instance_ids=("i-1",))),
        ({"tags": {"env": ("prod",)}}, Select(tags=(("env", ("prod",)),))),
    ],
)
def test_a_direct_request_for_instances_or_tags_selects_as_a_policy_does(
    asked: dict[str, Any], select: Select
) -> None:
    """The defaults narrow it, because a disk that its owner excluded is not named by its id."""
    defaults = {"enabled": False, "select": {"exclude_tags": {"a": "b"}, "tags_of": "instance"}}

    (plain,) = runs_of(direct(**asked))
    (narrowed,) = runs_of(direct(**asked), defaults=defaults)

    assert plain.select == select
    assert narrowed.select == replace(select, exclude_tags=(("a", ("b",)),), tags_of="instance")


def test_a_direct_request_that_asks_for_nothing_is_no_request_for_everything() -> None:
    """Its parser names the mistake; without a selection there is no run at all."""
    assert runs_of(direct()) == ()


def test_a_direct_requests_settings_are_laid_over_the_defaults() -> None:
    """Key by key, as a policy's are."""
    defaults = {"snapshot": {"retention_days": 14, "description": "default"}}
    request = direct(disk_ids=("d-1",), snapshot={"retention_days": 3})

    (run,) = runs_of(request, defaults=defaults)

    assert run.policy.snapshot == SnapshotSettings(retention_days=3, description="default")


def test_a_direct_requests_settings_are_judged() -> None:
    """CreateSnapshot's rules, each at its path."""
    request = direct(disk_ids=("d-1",), snapshot={"retention_days": 0})

    assert problem_of(request).startswith("snapshot.retention_days: 0: ")


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize("policy_dry", [True, False])
def test_a_run_is_dry_if_either_is_reported(*, dry: bool, policy_dry: bool) -> None:
    """Neither can make the other's dry run a real one."""
    request = direct(policy="nightly", dry_run=dry)

    (run,) = runs_of(request, {**NIGHTLY, "dry_run": policy_dry})

    assert run.dry_run is (dry or policy_dry)


def test_a_direct_request_may_name_any_policy() -> None:
    """With the policy's regions and selection, and the request's identity."""
    (run,) = runs_of(direct("k-7", policy="nightly"), {**NIGHTLY, "regions": ["cn-beijing"]})

    assert names((run,)) == [("nightly", "cn-beijing")]
    assert run.run_key.trigger_id == ("direct", "k-7")
    assert problem_of(direct(policy="x")) == "policy: 'x': no such policy; known: nightly"
    assert problem_of(direct(policy="nigthly")).endswith("; did you mean 'nightly'?")


@pytest.mark.parametrize(
    "request_",
    [
        direct(policy="nightly"),
        direct(disk_ids=("d-1",), snapshot={"name": "x-{trigger_time}"}),
    ],
)
def test_a_direct_request_has_no_instant_to_put_into_a_name(request_: Trigger) -> None:
    """`{trigger_time}` is rejected there: it would be another one on every retry."""
    policy = {**NIGHTLY, "snapshot": {"name": "{policy}-{trigger_time}"}}

    assert "a direct request has no {trigger_time}" in problem_of(request_, policy)
