"""The keys of a timer in a policy file, and the rule for its name; see `policy_keys`."""

from __future__ import annotations

from shared.policies.policy import Timer
from shared.policies.policy_rules import check_timer
from shared.policies.section import Key, Section
from shared.rules import Text, TextOrMapping
from shared.validation import FLAG

TIMER_NAME = Text(
    form=r"[A-Za-z_][A-Za-z0-9_-]{0,127}",
    rule="must be 1 to 128 letters, digits, '_' and '-', and start with a letter or '_'",
)
"""The name of a trigger in Function Compute ("CreateTrigger", triggerName)."""

TIMER = Section(
    record=Timer,
    check=check_timer,
    keys={
        "cron": Key(
            Text(
                form=r"[\s\S]+",
                rule="must be six fields, such as '0 0 2 * * *'",
                forbidden=((r"^\s*CRON_TZ", "must not hold the time zone; set timezone"),),
            ),
            "When it fires: six fields, seconds first. Either cron or every is required.",
            ("0 0 2 * * *",),
            nullable=False,
        ),
        "every": Key(
            Text(
                form=r"(?:[0-9]{1,9}[hms])+",
                rule="must be an interval in hours, minutes or seconds, such as '90m'",
            ),
            "The interval at which it fires, instead of cron.",
            ("90m",),
            nullable=False,
        ),
        "timezone": Key(
            Text(form=r"\S+", rule="must be the name of a time zone, such as 'Asia/Shanghai'"),
            "Time zone of cron. Default: UTC.",
            ("Asia/Shanghai",),
        ),
        "payload": Key(
            TextOrMapping(),
            "What its runs use instead of the policies that name it: {policy: NAME}, or a whole "
            "policy.",
            ({"policy": "nightly-production"},),
        ),
        "enabled": Key(FLAG, "false: it is deployed and does not fire.", (False,)),
    },
)
