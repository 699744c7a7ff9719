"""The clients of RAM, STS and SMQ: what they return, and what their errors say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.account import sts
from cli.account.access import KEY, SECRET, Access, AccessError, access_of
from cli.account.errors import MAX_TRIES, AccountError
from cli.account.ram import Policy, RamClient, Role
from cli.account.smq import Queue, SmqClient
from cli.deployment.roles import TRUST
from emulator import Cloud, Fault
from tests.cli.account.conftest import REGION, with_key

DOCUMENT = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}],
}


def test_reads_what_it_made(access: Access) -> None:
    """Roles, policies and attachments; None for what is not there."""
    ram = RamClient(access)
    ram.create_role("worker", trust=TRUST, description="ecsnap:main")
    ram.create_policy("work", document=DOCUMENT, description="ecsnap:main")
    ram.attach("worker", "Custom", "work")

    assert ram.role("worker") == Role(description="ecsnap:main", trust=TRUST)
    assert ram.policy("work") == Policy(description="ecsnap:main", document=DOCUMENT)
    assert ram.attached("worker") == {("Custom", "work")}
    assert (ram.role("other"), ram.policy("other"), ram.attached("other")) == (
        None,
        None,
        frozenset(),
    )


def test_another_document_counts_at_once_however_many_there_were(access: Access) -> None:
    """Five versions are the limit: the oldest goes."""
    ram = RamClient(access)
    ram.create_policy("work", document=DOCUMENT, description="")
    for action in ("log:*", "fc:*", "mns:*", "oss:*", "sts:*", "ram:*"):
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        document = {"Version": "1", "Statement": [statement]}
        ram.replace_policy("work", document)

        found = ram.policy("work")
        assert found is not None
        assert found.document == document


def test_knows_whose_credentials_these_are(cloud: Cloud, access: Access) -> None:
    """GetCallerIdentity, which needs no permission."""
    cloud.add_role("worker", [])

    assert sts.account_id(access) == cloud.account_id
    assert sts.account_id(with_key(cloud.assume_role("worker"))) == cloud.account_id


def test_reads_the_queue_that_it_made(access: Access) -> None:
    """With how long it keeps messages, and its tags."""
    smq = SmqClient(access)
    assert smq.queue("failures") is None
    smq.create("failures", retention_s=604_800, tags={"ecsnap": "main"})
    assert smq.queue("failures") == Queue(retention_s=604_800, tags={"ecsnap": "main"})
    smq.set_retention("failures", 86_400)
    assert smq.queue("failures") == Queue(retention_s=86_400, tags={"ecsnap": "main"})
    smq.delete("failures")
    assert smq.queue("failures") is None


def test_a_missing_permission_is_named(cloud: Cloud) -> None:
    """With the action and the resource, so that it can be granted."""
    cloud.add_role("nobody", [])
    access = with_key(cloud.assume_role("nobody"))

    with pytest.raises(AccountError, match=r"^ram:GetRole on 'worker': NoPermission") as caught:
        RamClient(access).role("worker")

    assert caught.value.is_denied
    assert not caught.value.is_transient


@pytest.mark.parametrize(
    ("fault", "is_transient"),
    [
        (Fault(kind="error", service="ram", code="Throttling.User", status=400), True),
        (Fault(kind="error", service="ram", code="InternalError", status=500), True),
        (Fault(kind="html", service="ram"), True),
        (Fault(kind="drop", service="ram"), True),
        (Fault(kind="error", service="ram", code="InvalidParameter", status=400), False),
    ],
    ids=["throttled", "500", "html", "no answer", "invalid"],
)
def test_what_a_moment_later_may_succeed_is_transient(
    cloud: Cloud, access: Access, fault: Fault, *, is_transient: bool
) -> None:
    """It is repeated some seconds, and then raised."""
    cloud.add_role("worker", [])
    cloud.faults.add(replace(fault, times=None))
    ram = RamClient(access)
    with pytest.raises(AccountError) as caught:
        ram.role("worker")

    assert caught.value.is_transient is is_transient
    assert len(cloud.calls.of("GetRole")) == (MAX_TRIES if is_transient else 1)
    assert access.credentials.access_key_secret not in str(caught.value)


def test_repeats_after_pauses_that_double(cloud: Cloud, access: Access) -> None:
    """Until the service answers."""
    cloud.faults.add(Fault(kind="error", service="ram", code="Throttling", status=400, times=2))
    cloud.add_role("worker", [])
    pauses: list[float] = []

    assert RamClient(replace(access, sleep=pauses.append)).role("worker") is not None
    assert pauses == [0.5, 1.0]


def test_names_every_variable_that_is_missing_or_wrong() -> None:
    """Before any call; without a value, which may be secret."""
    with pytest.raises(AccessError) as caught:
        access_of({SECRET: " ", "RAM_ENDPOINT": "http://example.com"}, region=REGION)

    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [KEY, SECRET, "RAM_ENDPOINT"]
    assert "example" not in lines[2]
