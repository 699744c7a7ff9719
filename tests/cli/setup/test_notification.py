"""`ecsnap setup --test-notification`: an alert fires, and is removed."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from cli.console import new_console
from cli.setup import notification
from emulator import Fault
from tests.cli.setup.conftest import LOG_PROJECT, Bench, Printed
from tests.cli.setup.test_monitoring import PREFIX, notify

NAME = "ecsnap-main-test"


def send(bench: Bench, sleep: Callable[[float], None] = lambda _seconds: None) -> Printed:
    out, err = io.StringIO(), io.StringIO()
    done = notification.send_notification(
        new_console(out, width=120),
        bench.policies,
        messages=new_console(err, width=120),
        sleep=sleep,
    )
    return Printed(done, out.getvalue().splitlines(), err.getvalue().splitlines())


@pytest.fixture
def told(bench: Bench) -> Bench:
    """Somebody is told, and the account has everything."""
    notify(bench, mail=("ops@example.com",))
    bench.setup(apply=True)
    return bench


def test_an_alert_fires_by_the_action_policy_and_is_removed(told: Bench) -> None:
    """What arrives is what a real alert would be; nothing is left of it."""
    sls = told.cloud.sls
    policies = set()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert NAME in sls.firing(LOG_PROJECT)
        configuration = sls.alerts(LOG_PROJECT)[NAME]["configuration"]
        assert isinstance(configuration, dict)
        policies.add(configuration["policyConfiguration"]["actionPolicyId"])

    printed = send(told, sleep)

    assert printed.done
    assert sum(slept) >= 120
    assert policies == {PREFIX}
    assert NAME not in sls.alerts(LOG_PROJECT)
    assert told.setup().lines[-1] == "nothing to change"


def test_it_is_removed_when_somebody_interrupts(told: Bench) -> None:
    """Ctrl-C."""

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(told, interrupt)

    assert NAME not in told.cloud.sls.alerts(LOG_PROJECT)


def test_what_a_killed_test_left_is_removed_by_setup(told: Bench) -> None:
    """And by a second test."""
    told.cloud.faults.add(
        Fault(kind="error", service="sls", action="DeleteJob", status=403, code="Unauthorized")
    )
    printed = send(told)
    assert not printed.done
    assert "the next `ecsnap setup --apply` removes the alert" in printed.messages[0]
    assert NAME in told.cloud.sls.alerts(LOG_PROJECT)

    shown = told.setup(apply=True)
    assert f"- alert '{NAME}'" in shown.lines
    assert NAME not in told.cloud.sls.alerts(LOG_PROJECT)


def test_without_anybody_to_tell_nothing_is_sent(bench: Bench) -> None:
    """It is said, and nothing is made."""
    bench.setup(apply=True)
    bench.writes()
    printed = send(bench)

    assert not printed.done
    assert printed.messages[0].startswith("deployment.yaml: notify: missing")
    assert bench.writes() == []


def test_before_setup_there_is_nothing_to_test(bench: Bench) -> None:
    """The Logstore has no index yet."""
    notify(bench, mail=("ops@example.com",))
    printed = send(bench)

    assert not printed.done
    assert "run `ecsnap setup --apply` first" in printed.messages[0]
