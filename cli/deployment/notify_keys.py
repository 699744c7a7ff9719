"""
The keys below `notify` in `deployment.yaml`: who is told of an alert.

An address of a webhook contains a token, so it may only come from the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from cli.deployment.model import Notify, Webhook
from cli.deployment.rules import OrVariable
from cli.deployment.variables import VARIABLE
from shared.errors import NO_VALUE, Problems
from shared.policies.section import Key, Section
from shared.rules import Choice, ListOf, Text, join

_MAIL = OrVariable(
    Text(form=r"[^@\s]+@[^@\s]+\.[^@\s]+", rule="must be a mail address, such as 'ops@example.com'")
)
_SECRET = OrVariable(
    Text(
        forbidden=((r"^", "must come from the environment: ${env(NAME)}"),),
    ),
    is_secret=True,
)
_ENV = r"\$\{env\(NAME\)\}"
TOKEN_PATHS: Mapping[str, tuple[str, str]] = {
    "dingtalk": (r"/robot/send", "access_token"),
    "feishu": (rf"/open-apis/bot/v2/hook/{_ENV}", ""),
    "wecom": (r"/cgi-bin/webhook/send", "key"),
    "slack": (rf"/services/(?:[^/]+/)*{_ENV}", ""),
}
"""
By channel the path of its addresses, and the parameter that holds the token, if one does.

Sources: DingTalk, "Custom robot access"; Feishu, "Custom bot guide"; WeCom, "Group robot
configuration"; Slack, "Sending messages using incoming webhooks".
"""
EXAMPLES = {
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=${env(DINGTALK_TOKEN)}",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/${env(FEISHU_TOKEN)}",
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=${env(WECOM_KEY)}",
    "slack": "https://hooks.slack.com/services/${env(SLACK_PATH)}",
    "webhook": "https://alerts.example.com/hook?token=${env(HOOK_TOKEN)}",
}
SIGNED = ("dingtalk", "feishu")
"""Channels that can want requests signed (the vendor's skill for alerts: a webhook's `secret`)."""
MAX_MAILS = 20
_HTTPS = "must be an https:// address"
_FROM_ENV = "must take its token from the environment, such as"


def check_notify(given: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check each webhook's address and secret; no message contains any part of them."""
    mails = given.get("mail")
    if isinstance(mails, (list, tuple)) and len(mails) > MAX_MAILS:
        rule = f"must be at most {MAX_MAILS} addresses; use a mailing list"
        problems.add(join(path, "mail"), NO_VALUE, rule)
    for channel in EXAMPLES:
        value = given.get(channel)
        if channel not in SIGNED and isinstance(value, Mapping) and value.get("secret"):
            rule = f"must not be given, because only {' and '.join(SIGNED)} sign requests"
            problems.add(join(join(path, channel), "secret"), NO_VALUE, rule)
    for channel, example in EXAMPLES.items():
        value = given.get(channel)
        if not isinstance(value, Mapping) or not isinstance(value.get("url"), str):
            continue
        if rule := address_problem(channel, value["url"]):
            shown = "" if rule == _HTTPS else f" {example}"
            problems.add(join(join(path, channel), "url"), NO_VALUE, f"{rule}{shown}")


def address_problem(channel: str, address: str) -> str:
    """
    Return the rule that the address of a webhook breaks; empty if it keeps all.

    Args:
        channel: A key of `EXAMPLES`.
        address: It may contain variables, and must where the channel has its token.

    """
    if re.fullmatch(VARIABLE, address):
        return ""  # judged when it is filled in
    parts = _parts(VARIABLE.sub(_VALUE, address))
    if parts is None:
        return _HTTPS
    literal = [
        *(parts.username or "", parts.password or ""),
        *(value for name, value in parse_qsl(parts.query) if _SECRET_NAME.search(name)),
        *(part for part in parts.path.split("/") if _RANDOM.fullmatch(part)),
    ]
    form, token = TOKEN_PATHS.get(channel, (".*", ""))
    has_its_token = re.fullmatch(form, parts.path) and (
        not token or dict(parse_qsl(parts.query)).get(token)
    )
    is_literal = any(text and _VALUE not in text for text in literal)
    return "" if has_its_token and not is_literal else _FROM_ENV


def _parts(address: str) -> SplitResult | None:
    """Return the parts of an https address with a host; None for any other text."""
    try:
        parts = urlsplit(address)
        is_address = parts.scheme == "https" and _HOST.fullmatch(parts.hostname or "")
    except ValueError:
        return None
    return parts if is_address else None


_VALUE = "${env(NAME)}"
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SECRET_NAME = re.compile(r"token|key|secret|sign|passw|auth", re.IGNORECASE)
_RANDOM = re.compile(r"(?=.*[0-9])[A-Za-z0-9_-]{20,}")


def filled_in_problem(address: str) -> str:
    """Return the rule that an address breaks once its variables are filled in; empty if none."""
    return "" if _parts(address) else _HTTPS


def _webhook(channel: str, name: str) -> Key:
    return Key(
        Section(
            record=Webhook,
            keys={
                "url": Key(
                    OrVariable(Text(), is_secret=True),
                    "The address, with its token from the environment.",
                    (EXAMPLES[channel],),
                    required=f"give the address, such as {EXAMPLES[channel]}",
                ),
                "secret": Key(
                    _SECRET,
                    "The key by which it wants requests signed, from the environment.",
                    ("${env(WEBHOOK_SECRET)}",),
                ),
            },
        ),
        f"A webhook of {name}.",
        ({"url": EXAMPLES[channel]},),
    )


NOTIFY = Key(
    Section(
        record=Notify,
        check=check_notify,
        keys={
            "dingtalk": _webhook("dingtalk", "a DingTalk robot"),
            "feishu": _webhook("feishu", "a Feishu robot"),
            "wecom": _webhook("wecom", "a WeCom robot"),
            "slack": _webhook("slack", "Slack"),
            "webhook": _webhook("webhook", "any other receiver: the alert is sent as JSON"),
            "mail": Key(
                ListOf(item=_MAIL, what="a mail address or a list of them", alone=(str,)),
                "Mail addresses.",
                (["ops@example.com"],),
            ),
            "language": Key(
                Choice(("en", "zh")), "Language of the messages.", ("zh",), nullable=False
            ),
        },
    ),
    "Who is told of an alert. Without it, alerts are shown in the alert centre only. Secrets come "
    "from the environment of `ecsnap setup`.",
    ({"mail": ["ops@example.com"]},),
)
