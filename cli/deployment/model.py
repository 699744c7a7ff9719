"""
The records of `deployment.yaml`; `keys` describes each field.

Pure: never reads a file, the environment or a service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PLACEHOLDER = "1234567890123456"
"""The account in the repository's own file, which does not exist."""
TOOLS = ("s", "fun")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDefaults:
    """The record of a section whose keys have no defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Where records go."""

    project: str | None = None
    """None: a name with the account and the region, because names are unique over all accounts."""
    logstore: str = "records"
    retention_days: int = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Hosts of services, where the default of the region is not meant."""

    ecs: Mapping[str, str] = field(default_factory=dict)
    """By region; ``""`` is the functions' own."""
    sls: str | None = None
    fc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """The network that a function reaches."""

    vpc_id: str
    vswitch_ids: tuple[str, ...]
    security_group_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """Settings of all functions or of one; None: not given."""

    memory_mb: int | None = None
    cpu: float | None = None
    timeout_s: int | None = None
    vpc: Vpc | None = None
    internet_access: bool | None = None
    resource_group_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One address that is told of an alert; both fields may contain variables, and are secret."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    """The key by which DingTalk or Feishu wants requests signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Who is told of an alert."""

    dingtalk: Webhook | None = None
    feishu: Webhook | None = None
    wecom: Webhook | None = None
    slack: Webhook | None = None
    webhook: Webhook | None = None
    mail: tuple[str, ...] = ()
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where and how the functions run; texts may contain variables (`rules.VARIABLE`)."""

    region: str
    account_id: str = PLACEHOLDER
    tools: tuple[str, ...] = TOOLS
    runtime: str = "python3.10"
    log: Log = field(default_factory=Log)
    queue: str | None = None
    """None: the default of `names`."""
    hosts: Hosts = field(default_factory=Hosts)
    functions: Mapping[str, FunctionSettings] = field(default_factory=dict)
    """By function, and ``all``."""
    notify: Notify | None = None
    """None: alerts appear in the alert centre only."""
