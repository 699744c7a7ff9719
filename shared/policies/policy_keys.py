"""
Every key of a policy file: its rule, its meaning, examples.

The one source of what a policy file may contain. `policy_file` reads with it;
`python -m cli.policy_schema` writes it as policies.schema.json, for editors and documents.
Defaults are those of the records. Rules about several keys are in `policy_rules`.
"""

from __future__ import annotations

from shared.identity import MAX_ATTEMPTS
from shared.policies.event_types import EVENT_TYPE
from shared.policies.policy import DIRECT, Limits, Policy, PolicyFile, Report
from shared.policies.policy_rules import (
    ON_REQUEST,
    STARTS,
    check_on,
    check_select,
)
from shared.policies.section import Key, Section, SectionList, WordOrSection
from shared.policies.selection import DISK_TYPES, KNOWN_CATEGORIES, Select
from shared.policies.snapshot_settings import SNAPSHOT
from shared.policies.timer_keys import TIMER, TIMER_NAME
from shared.rules import Choice, ListOf, MapOf, Scalar, Text, WholeNumber
from shared.validation import (
    DISK_IDS,
    FLAG,
    INSTANCE_IDS,
    NAME,
    PATTERN,
    REGION,
    SELECTED_TAGS,
    texts_of,
)

LIMITS = Section(
    record=Limits,
    keys={
        "max_calls_per_minute": Key(
            WholeNumber(1, 100_000),
            "Calls per minute to each ECS API in each region, for each function "
            "instance. Leave room for consoles and other tools.",
            (300,),
            nullable=False,
        ),
        "max_in_flight": Key(WholeNumber(1, 64), "Calls at the same time.", (8,), nullable=False),
        "max_disks": Key(
            WholeNumber(1, 1_000_000),
            "A run that selects more disks than this fails before its first call.",
            (500,),
            nullable=False,
        ),
        # FC keeps an event for 24 hours, which can be configured to be up to 7 days.
        "max_trigger_age_hours": Key(
            WholeNumber(1, 168),
            "Timers and events older than this are rejected. A policy whose "
            "retention_days is shorter rejects them earlier.",
            (48,),
            nullable=False,
        ),
    },
)

REPORT = Section(
    record=Report,
    keys={
        "exclude_tags": Key(
            SELECTED_TAGS,
            "Disks with one of these tags need no protection, and are not reported as unprotected.",
            ({"snapshot": "never"},),
        )
    },
)

SELECT = Section(
    record=Select,
    check=check_select,
    keys={
        "tags": Key(
            SELECTED_TAGS,
            "Tags that a disk must have: all keys, each with one of its values. In a "
            "value, * stands for any characters or none and ? for one character; \\*, \\? and "
            '\\\\ stand for these characters themselves. "*" accepts any value.',
            ({"env": "prod"}, {"role": ["mysql", "postgresql"]}, {"backup": "*"}),
        ),
        "tags_of": Key(
            Choice(("disk", "instance")),
            "Where `tags` are looked up: on the disk, or on the instance that it is attached to.",
            ("instance",),
        ),
        "exclude_tags": Key(
            SELECTED_TAGS,
            "Disks with any of these tags are left out. They are looked up on the "
            "disk, and with `tags_of: instance` on its instance too. Wildcards as in `tags`.",
            ({"snapshot": "never"}, {"env": ["dev", "test-*"]}),
        ),
        "disk_types": Key(
            texts_of(Choice(DISK_TYPES)), "Only disks of these types.", ("data", ["system", "data"])
        ),
        "categories": Key(
            texts_of(Text(suggestions=KNOWN_CATEGORIES)),
            "Only disks of these categories. An unknown category is a warning.",
            ("cloud_essd", ["cloud_essd", "cloud_auto"]),
        ),
        "disk_ids": Key(
            DISK_IDS,
            "Only these disks. A disk that does not exist is recorded as failed.",
            (["d-bp1a2b3c4d5e"],),
        ),
        "disk_names": Key(
            texts_of(PATTERN),
            "Only disks with one of these names. Wildcards as in `tags`.",
            ("db-*", ["db-*", "web-??"]),
        ),
        "instance_ids": Key(INSTANCE_IDS, "Only disks of these instances.", (["i-bp1a2b3c4d5e"],)),
        "event_resource": Key(
            FLAG,
            "true: only the disks that the event names, or those of the instances "
            "that it names. For policies on events, without `regions`.",
            (True,),
        ),
        "all": Key(
            FLAG,
            "true: every disk of the region. Only `disk_types`, `categories` and "
            "`exclude_tags` can narrow it.",
            (True,),
        ),
    },
)

_DEFAULT_SELECT = SELECT._replace(
    # What to take is for each policy to choose; defaults can only narrow it.
    keys={key: SELECT.keys[key] for key in ("tags_of", "exclude_tags", "disk_types", "categories")},
    check=None,
)

_ON = Section(
    record=Policy,
    check=check_on,
    keys={
        "timer": Key(
            Text(form=r"[\s\S]+", rule="must be the name of a timer"),
            "Name of a timer in `timers`. Several policies can have the same one.",
            ("nightly",),
            nullable=False,
        ),
        "event": Key(
            texts_of(EVENT_TYPE),
            "Types of EventBridge events. An unknown type is a warning.",
            (
                "ecs:Instance:PreemptibleInstanceInterruption",
                ["ecs:Instance:SystemMaintenance.Reboot", "ecs:Instance:SystemMaintenance.Stop"],
            ),
            nullable=False,
        ),
        "where": Key(
            MapOf(
                key=Text(
                    form=r"[^.]+(?:\.[^.]+)*",
                    rule="must be a path into the event, such as data.state",
                ),
                value=ListOf(
                    item=Scalar(), what="a value or a list of values", alone=(str, int, float)
                ),
            ),
            "Conditions on the event: paths into it, each with the values that are "
            "accepted there, without wildcards. All must hold. A policy on "
            "ecs:Instance:SystemMaintenance.… without data.eventStatus accepts only Scheduled.",
            ({"data.state": "Stopped"}, {"data.eventStatus": ["Inquiring", "Scheduled"]}),
        ),
    },
)

_COMMON = {
    "enabled": Key(FLAG, "false: the policy never runs.", (False,)),
    "regions": Key(
        texts_of(REGION),
        "Regions of the disks; each has a run of its own. null: the function's own.",
        ("cn-hangzhou", ["cn-hangzhou", "eu-central-1"]),
    ),
    "allow_empty": Key(FLAG, "true: a run that matches no disk is not a failure.", (True,)),
    "dry_run": Key(FLAG, "true: record what would be done, and create nothing.", (True,)),
    "retry_failed_snapshots": Key(
        WholeNumber(0, MAX_ATTEMPTS - 1),
        "How many times a snapshot that failed in ECS is attempted again, in the "
        "functions' own region.",
        (1,),
    ),
    "max_age_hours": Key(
        WholeNumber(1, 8760),
        "A disk whose newest good snapshot is older is overdue in `ecsnap coverage`. "
        "Default: any age will do. It changes no run.",
        (26,),
    ),
    "snapshot": Key(
        SNAPSHOT, "Settings of the snapshots, passed to CreateSnapshot.", ({"retention_days": 14},)
    ),
}

POLICY = Section(
    record=Policy,
    keys={
        "name": Key(
            NAME._replace(
                forbidden=(
                    (rf"^{DIRECT}(?![\s\S])", "is the name of direct requests; choose another"),
                ),
            ),
            "Name of the policy, part of each snapshot's identity: under a new name "
            "its earlier runs are unknown.",
            ("nightly-production",),
            required="choose one; it is part of every snapshot's identity",
        ),
        "on": Key(
            WordOrSection(ON_REQUEST, _ON, STARTS),
            "What runs the policy: either a timer or events; or request, for a policy that "
            "only a direct request runs.",
            ({"timer": "nightly"}, ON_REQUEST),
            required=STARTS,
        ),
        "select": Key(
            SELECT,
            "Which disks. A disk must match every key. At least one key other than "
            "tags_of and exclude_tags is required, or all: true.",
            ({"tags": {"env": "prod"}}, {"all": True, "disk_types": "data"}),
            required="name disks by tag, id, type or event, or all of them by all: true",
        ),
        **_COMMON,
    },
)

INLINE_POLICY = POLICY._replace(
    keys={
        **POLICY.keys,
        "name": POLICY.keys["name"]._replace(rule=NAME),
        "on": POLICY.keys["on"]._replace(required=""),
    },
)
"""In a timer's payload: the timer is its `on`, and its name is compared with the file's."""

FILE = Section(
    record=PolicyFile,
    keys={
        "deployment": Key(
            NAME,
            "Name of this installation, part of each snapshot's identity. Two "
            "installations in one account need two names; under a new name earlier snapshots are "
            "unknown.",
            ("main",),
            required="name this installation",
        ),
        "timers": Key(
            MapOf(key=TIMER_NAME, value=TIMER),
            "The timers of snapshot_on_schedule, by name.",
            ({"nightly": {"cron": "0 0 2 * * *", "timezone": "Asia/Shanghai"}},),
        ),
        "limits": Key(LIMITS, "Limits of every run.", ({"max_disks": 500},)),
        "defaults": Key(
            Section(
                record=Policy,
                keys={
                    **_COMMON,
                    "select": Key(
                        _DEFAULT_SELECT,
                        "Conditions that narrow the selection of every policy.",
                        ({"exclude_tags": {"snapshot": "never"}},),
                    ),
                },
            ),
            "Settings that every policy inherits, key by key, and can override; null "
            "in a policy takes a default away.",
            ({"snapshot": {"retention_days": 14}},),
        ),
        "report": Key(
            REPORT, "What `ecsnap coverage` leaves out.", ({"exclude_tags": {"tmp": "*"}},)
        ),
        "policies": Key(SectionList(POLICY), "The policies.", ([],), required="list the policies"),
    },
)
