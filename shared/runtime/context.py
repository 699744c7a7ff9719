"""
Where the code runs: what differs between Function Compute's runtimes ends here.

The context of Python 3.10 carries credentials and the log store; that of Python 3.12
carries neither, they are in the environment and at other names (Function Compute,
"Context"). Everything above this module sees one `Runtime`. Never knows what a
snapshot is.
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
How much of a function's time is kept for what must come after the last call was started.

It covers the calls in flight (their read timeout is under half of it), the flush of the
records (10 s at most) and the answer; a short function keeps a quarter of its time.
"""
MAX_READ_TIMEOUT_S = 20.0
DEFAULT_TIMEOUT_S = 60.0
"""For a context that does not say how long the function may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key pair, as a rule the role's temporary one; never shown."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)

    def redacted(self, text: str) -> str:
        """Return a text without the secret, the token, and what was signed with them."""
        return redacted(text, (self.access_key_secret, self.security_token))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget:
    """Where records go: a Logstore and how to reach it."""

    endpoint: str
    project: str
    logstore: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionName:
    """What Function Compute calls a function; `service` is empty on FC 3.0, which has none."""

    service: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """
    One invocation's surroundings.

    `deadline` is in the clock's monotonic seconds: no call is started after it. `log_target`
    None sends records to stdout, which Function Compute keeps as the function's log.
    """

    function: str
    request_id: str
    account_id: str
    region: str
    credentials: Credentials
    deadline: float
    ends: float
    """
    When everything has to be out, in the same seconds as the deadline: shortly before Function
    Compute ends the invocation.
    """
    read_timeout_s: float
    clock: Clock
    log_target: LogTarget | None
    ecs_endpoints: Mapping[str, str]
    """Region to ``https://host``, or ``http://`` of a local cloud; the others have their own."""
    policies_path: Path
    identity: Identity
    paused: bool
    log_level: str
    """The least that libraries may log, such as WARNING."""
    fc_api: FcApi | None
    """Which API starts functions; None is not said, and nothing can be handed over."""
    fc_endpoint: str | None
    """``https://host``, or ``http://`` of a local cloud; None is the region's own."""
    fc_function: FunctionName
    """This very function, for a hand-over to itself."""
    fc_functions: Mapping[str, FunctionName]
    """By function, as records name it, what FC calls it: those that `resume_runs` may start."""


def runtime_of(
    function: str,
    context: Any,  # noqa: ANN401 - the runtime's own class, another one in each version
    *,
    clock: Clock,
    env: Mapping[str, str] = os.environ,
) -> Runtime:
    """
    Read one invocation's surroundings from its context and environment.

    Args:
        function: The function's name for records, such as ``snapshot_on_schedule``.
        context: What Function Compute hands to a handler.
        clock: The clock of this invocation; the time limit counts from now.
        env: The environment variables.

    Raises:
        InvalidSettingsError: Variables are missing or malformed; it names all of them.

    """
    problems = Problems()
    started = clock.monotonic()
    meta = getattr(context, "function", None)
    timeout_s = float(getattr(meta, "timeout", 0) or DEFAULT_TIMEOUT_S)
    reserve_s = min(MAX_RESERVE_S, timeout_s * RESERVE_SHARE)
    region = str(getattr(context, "region", "") or env.get("FC_REGION", ""))
    if not region:
        problems.add("FC_REGION", NO_VALUE, "must be set where the context has no region")
    settings = settings_of(env, region=region, problems=problems)
    runtime = Runtime(
        function=function,
        request_id=str(getattr(context, "request_id", "") or ""),
        account_id=str(getattr(context, "account_id", "") or env.get("FC_ACCOUNT_ID", "")),
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
            function: FunctionName(service=service, name=name)
            for function, (service, name) in settings.functions.items()
        },
    )
    if problems:
        raise InvalidSettingsError(problems)
    return runtime


_KEY_ID, _KEY_SECRET, _TOKEN = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
)


def _credentials(context: Any, env: Mapping[str, str], problems: Problems) -> Credentials:  # noqa: ANN401 - as above
    # The environment first if it has the role's token, else the context, else a plain key pair.
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
            rule = "must be set: the other one of project and Logstore is"
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
