"""RAM policy documents (RAM, "Policy structure and syntax")."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.ram.policies import Need, PolicyError, statements

SNAPSHOT = "acs:ecs:cn-hangzhou:1234567890123456:snapshot/s-1"


def document(**elements: Any) -> dict[str, Any]:
    """A document of one statement, which allows DeleteSnapshot everywhere."""
    says = {"Effect": "Allow", "Action": "ecs:DeleteSnapshot", "Resource": "*", **elements}
    return {"Version": "1", "Statement": [says]}


def covers(
    policy: dict[str, Any],
    action: str = "ecs:DeleteSnapshot",
    resource: str = SNAPSHOT,
    **context: str,
) -> bool:
    """Whether the document's one statement is about a call."""
    (statement,) = statements(policy)
    return bool(statement.covering(Need(action=action, resource=resource, context=context)))


@pytest.mark.parametrize(
    ("pattern", "is_covered"),
    [
        ("ecs:DeleteSnapshot", True),
        (["ecs:CreateSnapshot", "ecs:DeleteSnapshot"], True),
        ("ecs:Delete*", True),
        ("ecs:*", True),
        ("*", True),
        ("ecs:DeleteSnapsho?", True),
        ("ecs:DeleteSnapshot?", False),
        ("ecs:Delete", False),
        ("ecs:deletesnapshot", False),
        ("ecs.DeleteSnapshot", False),
        ("log:*", False),
    ],
)
def test_an_action_is_a_pattern(pattern: str | list[str], *, is_covered: bool) -> None:
    """`*` is any number of characters, `?` one; everything else is itself."""
    assert covers(document(Action=pattern)) == is_covered


@pytest.mark.parametrize(
    ("pattern", "is_covered"),
    [
        (SNAPSHOT, True),
        ("acs:ecs:*:*:snapshot/*", True),
        ("acs:ecs:cn-hangzhou:*:snapshot/s-1", True),
        (["acs:ecs:*:*:disk/*", "acs:ecs:*:*:snapshot/*"], True),
        ("acs:ecs:cn-shanghai:*:snapshot/*", False),
        ("acs:ecs:*:*:disk/*", False),
        ("acs:ecs:*:*:snapshot/s-11", False),
    ],
)
def test_a_resource_is_a_pattern(pattern: str | list[str], *, is_covered: bool) -> None:
    """Region, account and id may each be anything."""
    assert covers(document(Resource=pattern)) == is_covered


def test_all_of_a_kind_are_not_had_by_the_right_to_one() -> None:
    """`disk/*` that a call needs is a name, not a pattern."""
    every = "acs:ecs:cn-hangzhou:1234567890123456:disk/*"

    assert not covers(document(Resource="acs:ecs:*:*:disk/d-1"), resource=every)


@pytest.mark.parametrize(
    ("operator", "values", "value", "holds"),
    [
        ("StringEquals", "ours", "ours", True),
        ("StringEquals", "ours", "Ours", False),
        ("StringEquals", "our*", "ours", False),
        ("StringEquals", ["theirs", "ours"], "ours", True),
        ("StringEquals", "ours", None, False),
        ("StringNotEquals", "ours", "theirs", True),
        ("StringNotEquals", ["theirs", "ours"], "ours", False),
        ("StringNotEquals", "ours", None, True),
        ("StringEqualsIgnoreCase", "OURS", "ours", True),
        ("StringNotEqualsIgnoreCase", "OURS", "ours", False),
        ("StringLike", "our*", "ours", True),
        ("StringLike", "our?", "our", False),
        ("StringNotLike", "our*", "ours", False),
        ("StringNotLike", "our*", "theirs", True),
    ],
)
def test_a_condition_judges_a_tag(
    operator: str, values: str | list[str], value: str | None, *, holds: bool
) -> None:
    """Several values are ORed; a tag that is not there equals nothing."""
    context = {} if value is None else {"ecs:tag/by": value}
    policy = document(Condition={operator: {"ecs:tag/by": values}})

    assert covers(policy, **context) == holds


def test_conditions_are_anded() -> None:
    """Of keys, and of operators."""
    policy = document(
        Condition={
            "StringEquals": {"ecs:tag/by": "ours", "acs:RequestedRegion": "cn-hangzhou"},
            "StringNotEquals": {"ecs:tag/keep": "yes"},
        }
    )
    good = {"ecs:tag/by": "ours", "acs:RequestedRegion": "cn-hangzhou"}

    assert covers(policy, **good)
    assert not covers(policy, **{**good, "acs:RequestedRegion": "cn-shanghai"})
    assert not covers(policy, **{**good, "ecs:tag/keep": "yes"})


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ([], "an object of Version and Statement"),
        ({"Statement": []}, "an object of Version and Statement"),
        ({**document(), "Id": "x"}, "an object of Version and Statement"),
        ({**document(), "Version": "2012-10-17"}, "Version: '2012-10-17'"),
        ({"Version": "1", "Statement": []}, "Statement: a list of one or more"),
        ({"Version": "1", "Statement": "all"}, "Statement: a list of one or more"),
        ({"Version": "1", "Statement": ["all"]}, r"Statement\[0\]: an object"),
        (document(Effect="allow"), r"Statement\[0\].Effect: 'allow'"),
        (document(Action=[]), r"Statement\[0\].Action: a text"),
        (document(Resource=7), r"Statement\[0\].Resource: a text"),
        (document(NotAction="ecs:*"), r"Statement\[0\].NotAction: the emulator knows"),
        (document(Condition=[]), "Condition: an object"),
        (document(Condition={"IpAddress": {}}), "Condition.IpAddress: the emulator knows"),
        (document(Condition={"StringLike": []}), "Condition.StringLike: an object"),
        (
            document(Condition={"StringLike": {"acs:SourceIp": "1"}}),
            "StringLike.acs:SourceIp: the emulator knows acs:RequestedRegion",
        ),
        (document(Condition={"StringLike": {"ecs:tag/a": 1}}), "ecs:tag/a: a text"),
    ],
)
def test_what_it_cannot_judge_it_rejects(policy: Any, problem: str) -> None:
    """A policy that is half understood grants too much or too little."""
    with pytest.raises(PolicyError, match=problem):
        statements(policy)


def test_all_problems_are_named_at_once() -> None:
    """One a line."""
    with pytest.raises(PolicyError) as caught:
        statements(document(Effect=None, Action=None, Sid="x"))

    assert len(str(caught.value).splitlines()) == 3


@given(st.text(), st.text())
def test_a_text_is_a_pattern_of_itself_and_of_nothing_else(one: str, other: str) -> None:
    """Whatever characters, as long as none of them is a wildcard."""
    if not set("*?") & set(one):
        assert covers(document(Resource=[one]), resource=other) == (one == other)
