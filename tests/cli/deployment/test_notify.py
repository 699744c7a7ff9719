"""Who is told of an alert: addresses whose tokens come from the environment, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.deployment.file import read_deployment
from cli.deployment.notify_keys import EXAMPLES, filled_in_problem


def problems(folder: Path, notify: str) -> tuple[str, ...]:
    (folder / "deployment.yaml").write_text(f"region: cn-hangzhou\nnotify:\n  {notify}\n")
    return read_deployment(folder / "deployment.yaml").problems


@pytest.mark.parametrize("channel", EXAMPLES)
def test_the_example_of_each_channel_is_good(tmp_path: Path, channel: str) -> None:
    """It is what messages and the schema show."""
    assert problems(tmp_path, f'{channel}: {{url: "{EXAMPLES[channel]}"}}') == ()
    assert problems(tmp_path, f'{channel}: {{url: "${{env(WHOLE_ADDRESS)}}"}}') == ()


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=hunter2hunter2"),
        ("dingtalk", "https://oapi.dingtalk.com/robot/send"),
        ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/hunter2-hunter2"),
        ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=hunter2"),
        ("slack", "https://hooks.slack.com/services/T0/B0/hunter2"),
        ("webhook", "https://x.example/h?token=hunter2"),
        ("webhook", "https://user:hunter2@x.example/h"),
        ("webhook", "https://x.example/h/hunter2hunter2hunter2hunter2"),
    ],
)
def test_a_literal_token_is_an_error_and_is_not_shown(
    tmp_path: Path, channel: str, address: str
) -> None:
    """It would be committed with the file."""
    (line,) = problems(tmp_path, f'{channel}: {{url: "{address}"}}')

    assert line.startswith(f"deployment.yaml line 3: notify.{channel}.url: must take its token ")
    assert EXAMPLES[channel] in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "address",
    ["http://x.example/hunter2", "x.example", "ftp://x.example", "https://", "https://a b"],
)
def test_what_is_no_https_address_is_an_error(tmp_path: Path, address: str) -> None:
    """A webhook is sent the names of disks and policies."""
    (line,) = problems(tmp_path, f'webhook: {{url: "{address}"}}')

    assert line == "deployment.yaml line 3: notify.webhook.url: must be an https:// address"


def test_a_literal_key_for_signing_is_an_error_too(tmp_path: Path) -> None:
    """Without its value."""
    url = EXAMPLES["dingtalk"]

    (line,) = problems(tmp_path, f'dingtalk: {{url: "{url}", secret: SEChunter2}}')

    assert line == (
        "deployment.yaml line 3: notify.dingtalk.secret: must come from the environment: "
        "${env(NAME)}"
    )


@pytest.mark.parametrize("mail", ["ops", "ops@example", "a b@example.com"])
def test_a_mail_address_has_its_form(tmp_path: Path, mail: str) -> None:
    (line,) = problems(tmp_path, f"mail: {mail}")

    assert "must be a mail address" in line


def test_an_address_that_comes_whole_is_judged_when_it_is_known() -> None:
    """Before anything is sent."""
    assert filled_in_problem("http://x.example") == "must be an https:// address"
    assert filled_in_problem("https://x.example/t") == ""


@pytest.mark.parametrize("channel", ["wecom", "slack", "webhook"])
def test_a_key_for_signing_where_nothing_is_signed_is_an_error(
    tmp_path: Path, channel: str
) -> None:
    """It would be accepted and ignored."""
    hook = f'{channel}: {{url: "{EXAMPLES[channel]}", secret: "${{env(KEY)}}"}}'
    (line,) = problems(tmp_path, hook)

    assert f"notify.{channel}.secret: must not be given" in line
    assert (
        problems(
            tmp_path,
            hook.replace(channel, "dingtalk", 1).replace(EXAMPLES[channel], EXAMPLES["dingtalk"]),
        )
        == ()
    )


def test_more_addresses_than_a_policy_can_name_are_an_error(tmp_path: Path) -> None:
    """A mailing list is meant for that."""
    mails = ", ".join(f"ops{number}@example.com" for number in range(21))
    (line,) = problems(tmp_path, f"mail: [{mails}]")

    assert "notify.mail: must be at most 20 addresses" in line
