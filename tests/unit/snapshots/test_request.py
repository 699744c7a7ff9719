"""The request is a function of run, policy, disk and attempt, and of nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.errors import Problems
from shared.identity import (
    DISK_TAG,
    RunKey,
    TaggedRun,
    attempt_in_run,
    client_token,
    read_run_tags,
    tracking_tags,
)
from shared.policies.name_template import PLACEHOLDERS, placeholders_of
from shared.policies.policy_file import inline_policy
from shared.policies.snapshot_settings import SnapshotSettings
from shared.rules import MapOf
from shared.snapshots.request import plan_snapshot, snapshot_name
from shared.validation import (
    CLIENT_TOKEN,
    MAX_TAGS,
    OWN_TAG_COUNT,
    SNAPSHOT_NAME,
    TAG_KEY,
    TAG_VALUE,
)
from tests.unit.builders import at, found, run_key, snapshot

ROOT = Path(__file__).parent.parent.parent.parent

LETTERS = st.text("abcxyz0189", min_size=1, max_size=20)
INSTANTS = st.datetimes(at("2000-01-01"), at("2100-01-01"), timezones=st.just(timezone.utc))
POLICY_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
DISK_IDS = st.from_regex(r"d-[0-9A-Za-z]{1,62}", fullmatch=True)
TRIGGER_IDS = st.tuples(st.sampled_from(["timer", "event"]), st.text(), st.text()) | st.tuples(
    st.just("direct"), st.text()
)
RUN_KEYS = st.builds(
    RunKey,
    deployment=POLICY_NAMES,
    policy=POLICY_NAMES,
    region=st.sampled_from(["cn-hangzhou", "cn-shanghai"]),
    trigger_id=TRIGGER_IDS,
    trigger_time=INSTANTS,
)
SETTINGS = st.builds(
    SnapshotSettings,
    description=st.none() | LETTERS,
    retention_days=st.none() | st.integers(1, 65536),
    tags=st.dictionaries(LETTERS, LETTERS, max_size=15).map(lambda tags: tuple(tags.items())),
)


# --- The same arguments, the same request ------------------------------------------------------


@given(where=RUN_KEYS, settings=SETTINGS, disk_id=DISK_IDS, attempt=st.integers(1, 99))
def test_the_same_arguments_give_the_same_request(
    where: RunKey, settings: SnapshotSettings, disk_id: str, attempt: int
) -> None:
    """T5, D9: name, description, tags and token are the same on every retry."""
    again = RunKey(
        deployment=where.deployment,
        policy=where.policy,
        region=where.region,
        trigger_id=tuple(where.trigger_id),
        trigger_time=where.trigger_time
        and where.trigger_time.astimezone(timezone(timedelta(hours=8))),
    )

    assert plan_snapshot(where, settings, disk_id, attempt=attempt) == plan_snapshot(
        again, settings, disk_id, attempt=attempt
    )


PROGRAM = """
from datetime import datetime, timezone
from shared.identity import RunKey
from shared.policies.snapshot_settings import SnapshotSettings
from shared.snapshots.request import plan_snapshot

run = RunKey(
    deployment="main",
    policy="nightly",
    region="cn-hangzhou",
    trigger_id=("event", "acs.ecs", "é/1"),
    trigger_time=datetime(2026, 3, 1, 12, tzinfo=timezone.utc),
)
settings = SnapshotSettings(name="{policy}-{disk_id}-{trigger_id}", tags=(("b", "1"), ("a", "2")))
print(plan_snapshot(run, settings, "d-1", attempt=1))
"""


def test_another_process_makes_the_same_request() -> None:
    """Nothing of a process is in a request: not its hash seed, time zone or working folder."""
    made = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed, zone, folder in (("1", "UTC", "/"), ("2", "Asia/Shanghai", str(ROOT)))
    }

    assert len(made) == 1
    assert TOKEN in made.pop()


TOKEN = "2df32bb503111ee01893cef3f32b51ea10fc7a291b9542d9dce8bbcd5771fe7b"


def test_a_token_stays_what_it_was_in_earlier_versions() -> None:
    """A new version must not forget the requests of a run in progress."""
    where = run_key(trigger_id=("event", "acs.ecs", "é/1"))

    assert client_token(where, "d-1", attempt=1) == TOKEN


# --- The token -----------------------------------------------------------------------------------


@given(data=st.data(), where=RUN_KEYS, disk_id=DISK_IDS, attempt=st.integers(1, 99))
def test_another_run_disk_or_attempt_has_another_token(
    data: st.DataObject, where: RunKey, disk_id: str, attempt: int
) -> None:
    """Two different snapshots never share a token, whatever the texts are."""
    other = data.draw(st.tuples(RUN_KEYS, DISK_IDS, st.integers(1, 99)))
    one = (where.deployment, where.policy, where.region, where.trigger_id, disk_id, attempt)
    assume(one != (other[0].deployment, other[0].policy, other[0].region, other[0].trigger_id,
                   other[1], other[2]))  # fmt: skip

    assert client_token(where, disk_id, attempt=attempt) != client_token(
        other[0], other[1], attempt=other[2]
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"deployment": "other"},
        {"policy": "other"},
        {"region": "cn-shanghai"},
        {"trigger_id": ("timer", "nightly", "2026-03-01T13:00:00Z")},
        {"trigger_id": ("event", "nightly", "2026-03-01T12:00:00Z")},
        {"trigger_id": ("timer", "nightly2026-03-01T12:00:00Z")},
        {"deployment": "mainnightly", "policy": ""},
    ],
)
def test_each_part_of_the_run_is_in_the_token(changed: dict[str, object]) -> None:
    """D7: the next tick is another run; and no two lists of parts run into the same text."""
    assert run_key(**changed).run_id != run_key().run_id
    assert client_token(run_key(**changed), "d-1", attempt=1) != client_token(
        run_key(), "d-1", attempt=1
    )


def test_the_instant_is_no_part_of_the_identity() -> None:
    """The trigger holds it; a second copy could only differ."""
    assert run_key(trigger_time=None).run_id == run_key().run_id


@given(where=RUN_KEYS, disk_id=st.text(), attempt=st.integers())
def test_a_token_is_a_client_token_whatever_it_is_made_of(
    where: RunKey, disk_id: str, attempt: int
) -> None:
    """ClientToken: 64 ASCII characters at most."""
    assert found(CLIENT_TOKEN.read, client_token(where, disk_id, attempt=attempt)) == []


# --- The name ------------------------------------------------------------------------------------

PIECES = st.sampled_from([*(f"{{{name}}}" for name in PLACEHOLDERS), "a", "-", "B:", "_9", "auto"])


def judge(template: str, policy: str, problems: Problems) -> None:
    """Add what is wrong with a policy that has this template for the names of its snapshots."""
    raw = {"name": policy, "select": {"all": True}, "snapshot": {"name": template}}
    inline_policy(raw, {}, "payload", problems)


@given(where=RUN_KEYS, disk_id=DISK_IDS, pieces=st.lists(PIECES, min_size=1, max_size=8))
def test_a_template_that_is_accepted_makes_a_good_name_whatever_it_is_filled_with(
    where: RunKey, disk_id: str, pieces: list[str]
) -> None:
    """A policy that was accepted never fails for its snapshots' names (InvalidSnapshotName)."""
    problems = Problems()
    template = "".join(pieces)
    judge(template, where.policy, problems)
    assume(not problems)

    assert found(SNAPSHOT_NAME.read, snapshot_name(where, template, disk_id)) == []


@given(where=RUN_KEYS, disk_id=DISK_IDS)
def test_the_default_name_is_good_for_every_policy_that_may_have_it(
    where: RunKey, disk_id: str
) -> None:
    """The default name fits, with the longest policy and the longest id."""
    assume(not where.policy.startswith("auto"))

    name = plan_snapshot(where, SnapshotSettings(), disk_id, attempt=1).name

    assert found(SNAPSHOT_NAME.read, name) == []


@given(template=st.text(alphabet="{}!:abpolicy.[]0>") | st.text())
def test_whatever_a_template_is_it_is_judged(template: str) -> None:
    """A template is good or has problems, and never trips the one who judges it."""
    problems = Problems()

    judge(template, "nightly", problems)

    if not problems:
        assert found(SNAPSHOT_NAME.read, snapshot_name(run_key(), template, "d-1")) == []


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{policy}-{disk_id}", "nightly-d-1"),
        ("x-{trigger_time}", "x-20260301T120000Z"),
        ("a{disk_id}:{policy}_{policy}", "ad-1:nightly_nightly"),
    ],
)
def test_placeholders_are_filled_in(template: str, name: str) -> None:
    """Each placeholder is replaced, however often it occurs."""
    assert snapshot_name(run_key(), template, "d-1") == name


def test_the_trigger_in_a_name_distinguishes_two_ticks() -> None:
    """`{trigger_id}`: 8 hexadecimal digits of the trigger."""
    one = snapshot_name(run_key(), "x{trigger_id}", "d-1")
    other = snapshot_name(run_key(trigger_id=("timer", "nightly", "later")), "x{trigger_id}", "d-1")

    assert len(one) == len(other) == 9
    assert one != other


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("plain", []),
        ("{a}-{b}", ["a", "b"]),
        ("{{a}}", ["a"]),
        ("{a!r}{b:>9}{c.d}{e[0]}{}", ["a!r", "b:>9", "c.d", "e[0]", ""]),
    ],
)
def test_the_placeholders_of_a_template_are_read_as_they_stand(
    template: str, names: list[str]
) -> None:
    """What Python's format language allows beyond names is no name that is known."""
    assert placeholders_of(template) == names


# --- the tracking tags ---------------------------------------------------------------------------


@given(where=RUN_KEYS, settings=SETTINGS, disk_id=DISK_IDS, attempt=st.integers(1, 10**6))
def test_the_tags_go_into_the_call_itself_and_fit(
    where: RunKey, settings: SnapshotSettings, disk_id: str, attempt: int
) -> None:
    """R9: tagged at birth, 20 tags at most, the policy's own among them."""
    tags = plan_snapshot(where, settings, disk_id, attempt=attempt).tags
    own = tracking_tags(where, disk_id, attempt=attempt)
    shuffled = replace(settings, tags=settings.tags[::-1])

    assert plan_snapshot(where, shuffled, disk_id, attempt=attempt).tags == tags
    assert tags == own + tuple(sorted(settings.tags))
    assert len(own) == OWN_TAG_COUNT
    assert len(tags) == len(dict(tags)) <= MAX_TAGS
    rules = found(MapOf(key=TAG_KEY, value=TAG_VALUE, most=MAX_TAGS).read, dict(tags))
    assert [rule for rule in rules if "a tracking tag" not in rule] == []


@given(where=RUN_KEYS, disk_id=DISK_IDS, attempt=st.integers(1, 10**6))
def test_a_snapshot_is_known_by_its_tags(where: RunKey, disk_id: str, attempt: int) -> None:
    """What was written is read back."""
    made = snapshot(of=disk_id, in_run=where, attempt=attempt)

    assert attempt_in_run(made, where) == attempt
    seen = read_run_tags(made, where.deployment)
    assert seen == TaggedRun(deployment=where.deployment, policy=where.policy, run_id=where.run_id)
    assert attempt_in_run(made, seen) == attempt
    for number in (attempt, attempt + 1):
        assert client_token(seen, disk_id, attempt=number) == client_token(
            where, disk_id, attempt=number
        )
        assert tracking_tags(seen, disk_id, attempt=number) == tracking_tags(
            where, disk_id, attempt=number
        )


@pytest.mark.parametrize(
    "changed", [{"policy": "other"}, {"deployment": "other"}, {"region": "cn-shanghai"}]
)
def test_another_runs_snapshot_is_not_ours(changed: dict[str, str]) -> None:
    """Each stack, policy and region counts its own."""
    assert attempt_in_run(snapshot(in_run=run_key(**changed)), run_key()) is None
    assert attempt_in_run(snapshot(tags={}), run_key()) is None


def test_a_snapshot_of_another_deployment_has_no_run_here() -> None:
    """R4: nor has a snapshot without the tracking tags, or with some of them only."""
    tags = snapshot().tags

    assert read_run_tags(snapshot(), "other") is None
    assert read_run_tags(snapshot(tags={}), "main") is None
    for key in ("snapshot-automation-run-id", "snapshot-automation-deployment"):
        assert read_run_tags(snapshot(tags={**tags, key: ""}), "main") is None


@given(listed=st.sampled_from(["d-1", "d-2", ""]), tagged=st.sampled_from(["d-1", "d-2", "", None]))
def test_whatever_tags_a_snapshot_has_it_counts_only_if_its_source_is_their_disk(
    listed: str, tagged: str | None
) -> None:
    """N3: tags travel to restored disks and their snapshots; the source disk does not."""
    tags = {**snapshot(of="d-1").tags, DISK_TAG: tagged}
    made = snapshot(disk_id=listed, tags={key: value for key, value in tags.items() if value})

    is_of_the_run = bool(listed) and listed == tagged
    assert (read_run_tags(made, "main") is not None) is is_of_the_run
    assert (attempt_in_run(made, run_key()) is not None) is is_of_the_run


@pytest.mark.parametrize("edited", ["", "x", "0", "-1", "²", "1.5"])
def test_an_edited_attempt_still_is_an_attempt(edited: str) -> None:
    """An edited tag must not lead to a second snapshot."""
    tags = {**snapshot().tags, "snapshot-automation-attempt": edited}

    assert attempt_in_run(snapshot(tags=tags), run_key()) == 1
