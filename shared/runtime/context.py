"""
The surroundings of one invocation, read from the context and the environment.

The context of Python 3.10 contains credentials and the Logstore. That of Python 3.12 does not:
they are in the environment and under other names (Function Compute, "Context"). All other
modules use `Runtime`, which is the same for both. Never knows what a snapshot is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.errors import NO_VALUE, InvalidSettingsError, Problems
from shared.runtime.clock import Clock
from shared.runtime.deployment import Identity, identity_of
from shared.runtime.redaction import redacted
from shared.runtime.settings import FcApi, Settings, settings_of

RESERVE_SHARE = 0.25
MAX_RESERVE_S = 45.0
"""
The part of a function's timeout that is reserved for what follows the start of the last call.

It covers the calls in flight (their read timeout is under half of it), the flush of the records
(10 s at most) and the answer. A function with a short timeout reserves a quarter of it.
"""
MAX_READ_TIMEOUT_S = 20.0
DEFAULT_TIMEOUT_S = 60.0
"""For a context that contains no timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key pair, usually the role's temporary one; its `repr` contains no secret."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)

    def redacted(self, text: str) -> str:
        """Return a text without the secret, the token and signatures."""
        return redacted(text, (self.access_key_secret, self.security_token))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget:
    """Where records go: a Logstore and how to reach it."""

    endpoint: str
    project: str
    logstore: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionName:
    """The name of a function in FC; `service` is empty on FC 3.0, which has no services."""

    service: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The surroundings of one invocation."""

    function: str
    request_id: str
    account_id: str
    region: str
    credentials: Credentials
    deadline: float
    """In the clock's monotonic seconds: no call is started after it."""
    ends: float
    """
    In the same seconds: everything has to be written by then, shortly before FC ends the
    invocation.
    """
    read_timeout_s: float
    clock: Clock
    log_target: LogTarget | None
    """None: records go to stdout, which FC keeps as the function's log."""
    ecs_endpoints: Mapping[str, str]
    """By region ``https://host``, or ``http://`` of an emulator; other regions have the default."""
    policies_path: Path
    identity: Identity
    paused: bool
    log_level: str
    """The least that libraries may log, such as WARNING."""
    fc_api: FcApi | None
    """The API that starts functions; None if not set: no run can be continued."""
    fc_endpoint: str | None
    """``https://host``, or ``http://`` of an emulator; None is the default of the region."""
    fc_function: FunctionName
    """This function, which a run starts for its next part."""
    fc_functions: Mapping[str, FunctionName]
    """The functions that `resume_runs` may start, by their names in records."""


def runtime_of(
    function: str,
    context: Any,  # noqa: ANN401 - the runtime's own class, another one in each version
    *,
    clock: Clock,
    env: Mapping[str, str] = os.environ,
) -> Runtime:
    """
    Read the surroundings of one invocation.

    Args:
        function: The function's name in records, such as ``snapshot_on_schedule``.
        context: The second argument of a handler in FC.
        clock: The timeout counts from its current time.
        env: The environment variables.

    Raises:
        InvalidSettingsError: Variables are missing or malformed; it contains all problems.

    """
    problems = Problems()
    region = _region(context, env, problems)
    settings = settings_of(env, region=region, problems=problems)
    started, timeout_s = clock.monotonic(), _timeout_s(context)
    reserve_s = min(MAX_RESERVE_S, timeout_s * RESERVE_SHARE)
    runtime = Runtime(
        function=function,
        request_id=_text_in(context, "request_id"),
        account_id=_text_in(context, "account_id") or env.get("FC_ACCOUNT_ID", ""),
        region=region,
        credentials=_credentials(context, env, problems),
        deadline=started + timeout_s - reserve_s,
        ends=started + timeout_s - min(1.0, timeout_s * 0.1),
        read_timeout_s=min(MAX_READ_TIMEOUT_S, reserve_s * 0.45),
        clock=clock,
        log_target=_log_target(context, settings, region, problems),
        ecs_endpoints=settings.ecs_endpoints,
        policies_path=settings.policies_path,
        identity=identity_of(settings.policies_path),
        paused=settings.paused,
        log_level=settings.log_level,
        fc_api=settings.fc_api,
        fc_endpoint=settings.fc_endpoint or None,
        fc_function=_fc_function(context, settings.fc_api),
        fc_functions={
            key: FunctionName(service=service, name=name)
            for key, (service, name) in settings.functions.items()
        },
    )
    if problems:
        raise InvalidSettingsError(problems)
    return runtime


def _text_in(context: Any, name: str) -> str:  # noqa: ANN401 - as above
    return str(getattr(context, name, "") or "")


def _region(context: Any, env: Mapping[str, str], problems: Problems) -> str:  # noqa: ANN401 - as above
    region = _text_in(context, "region") or env.get("FC_REGION", "")
    if not region:
        problems.add("FC_REGION", NO_VALUE, "must be set where the context has no region")
    return region


def _timeout_s(context: Any) -> float:  # noqa: ANN401 - as above
    return float(getattr(getattr(context, "function", None), "timeout", 0) or DEFAULT_TIMEOUT_S)


_KEY_ID, _KEY_SECRET, _TOKEN = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
)


def _credentials(context: Any, env: Mapping[str, str], problems: Problems) -> Credentials:  # noqa: ANN401 - as above
    # The role's token in the environment comes first, then the context, then a plain key pair.
    given = getattr(context, "credentials", None)
    if not env.get(_TOKEN) and given is not None and given.access_key_id:
        return Credentials(
            access_key_id=given.access_key_id,
            access_key_secret=given.access_key_secret,
            security_token=given.security_token or None,
        )
    for name in (_KEY_ID, _KEY_SECRET):
        if not env.get(name):
            problems.add(name, NO_VALUE, "must be set where the context has no credentials")
    return Credentials(
        access_key_id=env.get(_KEY_ID, ""),
        access_key_secret=env.get(_KEY_SECRET, ""),
        security_token=env.get(_TOKEN) or None,
    )


def _log_target(
    context: Any,  # noqa: ANN401 - as above
    settings: Settings,
    region: str,
    problems: Problems,
) -> LogTarget | None:
    service = getattr(context, "service", None)
    project = settings.sls_project or getattr(service, "log_project", None)
    logstore = settings.sls_logstore or getattr(service, "log_store", None)
    # Python 3.12 has them on the context itself.
    project = project or getattr(context, "log_project", None)
    logstore = logstore or getattr(context, "log_store", None)
    if not project and not logstore:
        return None
    for name, value in (("SLS_PROJECT", project), ("SLS_LOGSTORE", logstore)):
        if not value:
            rule = "must be set, because only the other one of project and Logstore is"
            problems.add(name, NO_VALUE, rule)
    return LogTarget(
        endpoint=settings.sls_endpoint or f"https://{region}.log.aliyuncs.com",
        project=str(project),
        logstore=str(logstore),
    )


def _fc_function(context: Any, fc_api: FcApi | None) -> FunctionName:  # noqa: ANN401 - as above
    service = getattr(getattr(context, "service", None), "name", None)
    name = getattr(getattr(context, "function", None), "name", None)
    return FunctionName(service="" if fc_api == "3.0" else str(service or ""), name=str(name or ""))
