"""Roles and what their policies decide (RAM, "Policy evaluation")."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Cloud
from emulator.credentials import AccessKey
from emulator.ram import Need, PolicyError
from emulator.ram.policies import Grant
from emulator.ram.roles import UnknownRoleError

NEED = Need(action="ecs:CreateSnapshot", resource="acs:ecs:cn-hangzhou:1:disk/d-1")


def policy(effect: str, action: str = "*") -> dict[str, Any]:
    return {
        "Version": "1",
        "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}],
    }


@pytest.mark.parametrize(
    ("policies", "kind"),
    [
        ([], "ImplicitDeny"),
        ([policy("Allow", "log:*")], "ImplicitDeny"),
        ([policy("Allow", "ecs:*")], ""),
        ([policy("Allow", "log:*"), policy("Allow", "ecs:*")], ""),
        ([policy("Deny", "ecs:*"), policy("Allow")], "ExplicitDeny"),
        ([policy("Allow"), policy("Deny", "ecs:*")], "ExplicitDeny"),
        ([policy("Allow"), policy("Deny", "log:*")], ""),
    ],
)
def test_a_deny_wins_and_silence_denies(policies: list[dict[str, Any]], kind: str) -> None:
    """Whatever the order of the statements and however many policies."""
    cloud = Cloud()
    cloud.add_role("worker", policies)

    denied = cloud.ram.first_denied(cloud.assume_role("worker"), [NEED])

    assert (denied.kind if denied else "") == kind


def test_all_of_several_needs_have_to_be_allowed() -> None:
    """The first one that is not is named."""
    cloud = Cloud()
    cloud.add_role("worker", [policy("Allow", "ecs:*")])
    other = Need(action="log:PostLogStoreLogs", resource="*")

    denied = cloud.ram.first_denied(cloud.assume_role("worker"), [NEED, other, NEED])

    assert denied is not None
    assert denied.need == other


def test_the_account_itself_may_do_everything() -> None:
    """Its permanent key, and temporary keys that no role binds."""
    cloud = Cloud()

    assert cloud.ram.first_denied(cloud.access_key, [NEED]) is None
    assert cloud.ram.first_denied(cloud.temporary_key(), [NEED]) is None
    assert cloud.ram.decisions == []


def test_decisions_tell_what_of_a_policy_was_used() -> None:
    """So a test can tell what is granted and never used."""
    cloud = Cloud()
    cloud.add_role("worker", [policy("Allow", "ecs:*")])

    cloud.ram.first_denied(cloud.assume_role("worker"), [NEED])

    (decision,) = cloud.ram.decisions
    assert (decision.role, decision.need, decision.allowed) == ("worker", NEED, True)
    assert decision.by == (Grant(action="ecs:*", resource="*"),)


def test_a_role_can_be_given_other_policies() -> None:
    """Keys that were handed out before are bound by them too."""
    cloud = Cloud()
    cloud.add_role("worker", [policy("Allow")])
    key = cloud.assume_role("worker")

    cloud.add_role("worker", [])

    assert cloud.ram.first_denied(key, [NEED]) is not None


def test_a_role_keeps_its_policies_if_the_new_ones_are_no_good() -> None:
    """All of them or none."""
    cloud = Cloud()
    cloud.add_role("worker", [policy("Allow")])

    with pytest.raises(PolicyError):
        cloud.add_role("worker", [policy("Deny"), {}])

    assert cloud.ram.first_denied(cloud.assume_role("worker"), [NEED]) is None


def test_nobody_assumes_a_role_that_is_not_there() -> None:
    """A rejection that teaches."""
    cloud = Cloud()
    cloud.add_role("worker", [])

    with pytest.raises(UnknownRoleError, match="no role 'werker' here: there is worker"):
        cloud.assume_role("werker")


def test_keys_of_a_role_are_sts_keys_each_its_own() -> None:
    """With a security token, and an end if one is named."""
    cloud = Cloud()
    cloud.add_role("worker", [])
    end = cloud.clock.now()

    one, other = cloud.assume_role("worker"), cloud.assume_role("worker", end)

    assert one.access_key_id.startswith("STS.")
    assert one.security_token != other.security_token
    assert (one.role, one.expires_at, other.expires_at) == ("worker", None, end)
    assert isinstance(cloud.keys.find(other.access_key_id), AccessKey)
