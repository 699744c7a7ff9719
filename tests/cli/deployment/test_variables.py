"""Variables of `deployment.yaml` are filled in where no tool does it."""

from __future__ import annotations

from typing import Any

import pytest

from cli.deployment.model import Deployment, FunctionSettings, Notify, Vpc, Webhook
from cli.deployment.variables import MissingVariableError, filled_in, for_serverless_devs


def deployment(**fields: Any) -> Deployment:
    return Deployment(region="cn-hangzhou", **fields)


def test_every_text_is_filled_in_wherever_it_is() -> None:
    """From the environment, or with its default."""
    vpc = Vpc(vpc_id="${env(VPC)}", vswitch_ids=("${env(S, vsw-1)}",), security_group_id="sg-1")
    given = deployment(
        account_id="${config('AccountID')}",
        functions={"all": FunctionSettings(vpc=vpc, environment={"A": "x-${env(A)}-${env(B, )}"})},
        notify=Notify(slack=Webhook(url="https://hooks.slack.com/services/${env(A)}")),
    )

    found = filled_in(given, {"VPC": "vpc-2", "A": "1"}, account_id="42")

    assert found.account_id == "42"
    assert found.functions["all"].vpc == Vpc(
        vpc_id="vpc-2", vswitch_ids=("vsw-1",), security_group_id="sg-1"
    )
    assert found.functions["all"].environment == {"A": "x-1-"}
    assert found.notify is not None
    assert found.notify.slack == Webhook(url="https://hooks.slack.com/services/1")


def test_all_that_are_missing_are_named_at_once() -> None:
    """With what to do, and no value of another."""
    settings = FunctionSettings(environment={"A": "${env(ONE)}", "B": "${env(TWO)}${env(KEY)}"})
    given = deployment(account_id="${config('AccountID')}", functions={"all": settings})

    with pytest.raises(MissingVariableError) as caught:
        filled_in(given, {"KEY": "hunter2"})

    message = str(caught.value)
    assert message.startswith("ACCOUNT_ID, ONE, TWO: not set")
    assert "${env(NAME, default)}" in message
    assert "hunter2" not in message


def test_a_value_of_the_environment_is_not_filled_in_again() -> None:
    """Who sets a variable does not choose which others are read."""
    settings = FunctionSettings(environment={"A": "${env(ONE)}"})

    found = filled_in(deployment(functions={"all": settings}), {"ONE": "${env(TWO)}"})

    assert found.functions["all"].environment == {"A": "${env(TWO)}"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${env(A)}", "1"),
        ("${env(A, 2)}", "1"),
        ("${env(B, 2)}", "2"),
        ("${env(B, of its own)}", "of its own"),
        ("${env(B, 'a, b')}", "a, b"),
        ('${env(B, "it\'s")}', "it's"),
        ("${env(B, )}", ""),
        ("${env(EMPTY, 3)}", "3"),
        ("x-${env(A)}${env(B, y)}", "x-1y"),
    ],
)
def test_a_default_is_taken_where_nothing_is_set(text: str, value: str) -> None:
    """With or without quotes; an empty variable is not set, as to Serverless Devs."""
    assert filled_in(text, {"A": "1", "EMPTY": ""}) == value


def test_a_default_gets_the_quotes_that_serverless_devs_needs() -> None:
    """Without them it would look for a variable of that whole name."""
    assert (
        for_serverless_devs("${env(A)}-${env(B, of its own)}")
        == "${env(A)}-${env('B', 'of its own')}"
    )
    assert for_serverless_devs("""${env(B, "it's")}""") == """${env('B', "it's")}"""
    assert for_serverless_devs("${config('AccountID')}") == "${config('AccountID')}"
