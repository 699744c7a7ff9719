"""
`ecsnap setup --test-notification`: one alert that fires, so that somebody sees that it arrives.

There is no call that sends a notification, so an alert whose condition always holds is made for two
evaluations, and removed. If the command is killed meanwhile, the next `setup` removes it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from cli.account.errors import AccountError
from cli.console import print_line
from cli.monitoring.alert import MEDIUM, Alert, alert_document
from cli.monitoring.notify import action_policy_of, prefix_of
from cli.progress import progress
from cli.setup.command import SetupError, aim_of
from cli.setup.monitoring import TEST_SLUG
from cli.setup.target import Target

WAIT_S = 150
"""Two evaluations of a minute each, and some time to be delivered."""
_STEP_S = 10
_ALERT = Alert(
    slug=TEST_SLUG,
    title="Test of the notifications",
    text="this is a test; nothing is wrong",
    query="* | select count(1) as n from log",
    window="15m",
    interval="1m",
    condition="n >= 0",
    severity=MEDIUM,
)


def send_notification(
    console: Console,
    policies: Path,
    *,
    messages: Console,
    env: Mapping[str, str] = os.environ,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """
    Let an alert fire, wait, and remove it.

    Args:
        console: Receives what to look for.
        policies: The policy file; `deployment.yaml` is in its folder.
        messages: Receives problems.
        env: The environment variables, with the credentials.
        sleep: Waits for that many seconds.

    Returns:
        Whether the alert was made and removed; whether it arrived only its receiver knows.

    """
    try:
        target = aim_of(policies, env, messages, sleep=sleep).target
        _check(target)
        document = _document(target)
        exists = any(
            alert["name"] == document["name"] for alert in target.sls.alerts(target.project) or ()
        )
        target.sls.put_alert(target.project, document, exists=exists)
    except (SetupError, AccountError) as exc:
        print_line(messages, str(exc), "red")
        return False
    seconds = f"within {WAIT_S} seconds"
    print_line(console, f"'{document['displayName']}' is sent {seconds}; see that it arrives")
    try:
        with progress(messages) as report:
            for waited_s in range(0, WAIT_S, _STEP_S):
                report("waiting (seconds)", waited_s, WAIT_S)
                sleep(_STEP_S)
    finally:
        is_removed = _remove(target, str(document["name"]), messages)
    if is_removed:
        print_line(console, "the test alert is removed again", "green")
    return is_removed


def _check(target: Target) -> None:
    """Raise if nobody would be told, or `setup` was not carried out."""
    if target.deployment.notify is None:
        raise SetupError("deployment.yaml: notify: missing, so nobody is told; see the schema")
    if target.sls.index(target.project, target.logstore) is None:
        raise SetupError(
            f"Logstore '{target.logstore}': no index; run `ecsnap setup --apply` first"
        )


def _document(target: Target) -> dict[str, object]:
    prefix = prefix_of(target.policies.deployment, target.deployment.region)
    return alert_document(
        _ALERT,
        deployment=target.policies.deployment,
        mark=target.mark,
        region=target.deployment.region,
        project=target.project,
        logstore=target.logstore,
        action_policy=action_policy_of(target.deployment.notify, prefix),
    )


def _remove(target: Target, name: str, messages: Console) -> bool:
    try:
        target.sls.delete_alert(target.project, name)
    except AccountError as exc:
        if exc.code == "JobNotExist":
            return True
        print_line(messages, f"{exc}; the next `ecsnap setup --apply` removes the alert", "red")
        return False
    return True
