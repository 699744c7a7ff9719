"""
The settings of an operator: environment variables, checked and read.

A value that deviates slightly (surrounding blanks, another case, a trailing slash) is used as it
is clearly meant, because a setting must not stop backups; `cli check` warns of it. Problems
contain the name of a variable without its value, which may be a secret. Never raises, never acts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from shared.errors import NO_VALUE, Problems
from shared.validation import REGION

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FcApi = Literal["2.0", "3.0"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The variables as they are meant; a text is empty if its variable is not set."""

    paused: bool
    log_level: str
    """The least that libraries may log: one of `LOG_LEVELS`."""
    policies_path: Path
    sls_project: str
    sls_logstore: str
    sls_endpoint: str
    ecs_endpoints: Mapping[str, str]
    """By region ``https://host``, or ``http://`` on loopback; other regions have the default."""
    fc_endpoint: str
    fc_api: FcApi | None
    """The API that starts functions; None if not set: no run can be continued."""
    functions: Mapping[str, tuple[str, str]]
    """
    By function, as records name it, the service and the name under which it is deployed.

    The service is empty on FC 3.0, which has no services.
    """


def settings_of(
    env: Mapping[str, str], *, region: str, problems: Problems, remarks: Problems | None = None
) -> Settings:
    """
    Read all variables of `VARIABLES`.

    Args:
        env: The environment variables.
        region: The region of an `ECS_ENDPOINT` that names none.
        problems: Receives the values that cannot be used.
        remarks: Receives the values that are used and should be corrected; None drops them.

    """
    reading = _Reading(env, problems, Problems() if remarks is None else remarks)
    fc_api = reading.fc_api()
    return Settings(
        paused=reading.paused(),
        log_level=reading.log_level(),
        policies_path=reading.policies_path(),
        sls_project=reading.text("SLS_PROJECT"),
        sls_logstore=reading.text("SLS_LOGSTORE"),
        sls_endpoint=reading.sls_endpoint(),
        ecs_endpoints=reading.endpoints_by_region("ECS_ENDPOINT", region),
        fc_endpoint=reading.endpoint("FC_ENDPOINT", "SNAPSHOTS_FC_ENDPOINT"),
        fc_api=fc_api,
        functions={
            function: reading.function(variable, function, fc_api)
            for function, variable in FUNCTION_VARIABLES.items()
        },
    )


FUNCTION_VARIABLES = {
    "snapshot_on_schedule": "SNAPSHOTS_ON_SCHEDULE_FUNCTION",
    "snapshot_on_event": "SNAPSHOTS_ON_EVENT_FUNCTION",
}
"""By function the variable with the name under which it is deployed, for `resume_runs`."""
# Function Compute takes no variable of a function's own that begins with ``FC_``, so two of
# them have a second name.
VARIABLES = (
    "SNAPSHOTS_PAUSED", "LOG_LEVEL", "POLICIES_FILE", "SLS_PROJECT", "SLS_LOGSTORE",
    "SLS_ENDPOINT", "ECS_ENDPOINT", "FC_ENDPOINT", "SNAPSHOTS_FC_ENDPOINT", "FC_API",
    "SNAPSHOTS_FC_API", *FUNCTION_VARIABLES.values(),
)  # fmt: skip
"""The names of all variables that the functions read."""

_NOT_PAUSED = ("", "false", "0", "no", "off")
_LEVELS = {level: level for level in LOG_LEVELS} | {"WARN": "WARNING", "FATAL": "CRITICAL"}
_FC_API = re.compile(r"(?:fc\s*)?v?([23])(?:\.0){0,2}", re.IGNORECASE | re.ASCII)
_FUNCTION = r"[A-Za-z_][A-Za-z0-9_-]{0,127}"
_FUNCTION_FORMS: Mapping[FcApi, tuple[re.Pattern[str], str]] = {
    "2.0": (re.compile(rf"({_FUNCTION})/({_FUNCTION})"), "must be SERVICE/FUNCTION on FC 2.0"),
    "3.0": (re.compile(rf"()({_FUNCTION})"), "must be FUNCTION on FC 3.0, without a service"),
}
_LABEL = r"[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?"
_HOST = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?")
_LOOPBACK = re.compile(r"localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_MAX_PORT = 65535
_CODE_ROOT = Path(__file__).parent.parent.parent


def address_of(text: str) -> str | None:
    """
    Return ``https://host``, or ``http://host`` on loopback; None if it is neither.

    A host alone means https, because requests carry credentials and must be encrypted.
    """
    scheme, given, rest = text.strip().lower().rpartition("://")
    found = _HOST.fullmatch(rest.rstrip("/"))
    if found is None or int(found["port"] or 0) > _MAX_PORT:
        return None
    host = found[0]
    if not given:
        # A single word, such as "true", is probably not a host.
        return f"https://{host}" if "." in host or host.startswith("localhost") else None
    if scheme == "https" or (scheme == "http" and _LOOPBACK.fullmatch(found["name"])):
        return f"{scheme}://{host}"
    return None


def is_loopback(address: str) -> bool:
    """Return whether an address, as `address_of` returns it, is that of an emulator."""
    found = _HOST.fullmatch(address.rpartition("://")[2])
    return found is not None and _LOOPBACK.fullmatch(found["name"]) is not None


@dataclass(frozen=True, slots=True)
class _Reading:
    env: Mapping[str, str]
    problems: Problems
    remarks: Problems

    def text(self, *names: str) -> str:
        """Return the first variable that is set, without surrounding blanks."""
        name = self._name(*names)
        value = self.env.get(name, "")
        if value != value.strip():
            self.remarks.add(name, NO_VALUE, "has blanks around its value; remove them")
        return value.strip()

    def paused(self) -> bool:
        value = self.text("SNAPSHOTS_PAUSED").casefold()
        paused = value not in _NOT_PAUSED
        if value:
            rule = (
                "is set, so the functions take no snapshots; remove it to resume"
                if paused
                else "is set, but its value does not pause the functions; remove it"
            )
            self.remarks.add("SNAPSHOTS_PAUSED", NO_VALUE, rule)
        return paused

    def log_level(self) -> str:
        value = self.text("LOG_LEVEL")
        level = _LEVELS.get(value.upper() or "WARNING")
        rule = f"must be one of {', '.join(LOG_LEVELS)}"
        if level is None:
            self.problems.add("LOG_LEVEL", NO_VALUE, rule)
        elif value not in ("", level):
            self.remarks.add("LOG_LEVEL", NO_VALUE, f"{rule}, in capitals")
        return level or "WARNING"

    def fc_api(self) -> FcApi | None:
        name = self._name("FC_API", "SNAPSHOTS_FC_API")
        value = self.text(name)
        if not value:
            return None
        rule = f"must be one of {', '.join(get_args(FcApi))}"
        found = _FC_API.fullmatch(value)
        if found is None:
            self.problems.add(name, NO_VALUE, rule)
            return None
        api = f"{found[1]}.0"
        if value != api:
            self.remarks.add(name, NO_VALUE, f"{rule}, without other characters")
        return cast("FcApi", api)

    def function(self, variable: str, name: str, fc_api: FcApi | None) -> tuple[str, str]:
        """Return a function's service and name; if they are not set, those of the templates."""
        default = name.replace("_", "-") if fc_api == "2.0" else "", name
        value = self.text(variable)
        if not value or fc_api is None:
            return default
        form, rule = _FUNCTION_FORMS[fc_api]
        found = form.fullmatch(value)
        if found is None:
            self.problems.add(variable, NO_VALUE, rule)
            return default
        return found[1], found[2]

    def policies_path(self) -> Path:
        """Return the path of the policies: the packaged JSON, or the YAML of a checkout."""
        if named := self.text("POLICIES_FILE"):
            return Path(named)
        packaged = _CODE_ROOT / "policies.json"
        return packaged if packaged.exists() else _CODE_ROOT / "policies.yaml"

    def endpoint(self, *names: str) -> str:
        """Return an address; empty if it is not set, for the default of the region."""
        value = self.text(*names)
        return self._address(value, self._name(*names), "") if value else ""

    def sls_endpoint(self) -> str:
        """Return the address of SLS without the project, with which the console shows it."""
        address, project = self.endpoint("SLS_ENDPOINT"), self.env.get("SLS_PROJECT", "").strip()
        with_project = f"https://{project}."
        if not project or not address.startswith(with_project):
            return address
        self.remarks.add("SLS_ENDPOINT", NO_VALUE, "must not begin with the project")
        return f"https://{address.removeprefix(with_project)}"

    def endpoints_by_region(self, name: str, region: str) -> dict[str, str]:
        """Read ``ADDRESS`` or ``REGION=ADDRESS,REGION=ADDRESS``."""
        endpoints: dict[str, str] = {}
        parts = [part for part in map(str.strip, self.text(name).split(",")) if part]
        for number, part in enumerate(parts, start=1):
            entry = f"entry {number} " if len(parts) > 1 else ""
            given, named, value = (piece.strip() for piece in part.rpartition("="))
            if given != given.lower():
                self.remarks.add(name, NO_VALUE, f"{entry}must name its region in lower case")
            key = given.lower() if named else region
            if named and not REGION.is_valid(key):
                rule = f"{entry}must begin with the id of a region before '=', such as cn-hangzhou"
                self.problems.add(name, NO_VALUE, rule)
            elif key in endpoints:
                self.problems.add(name, NO_VALUE, f"{entry}must not name a region a second time")
            address = self._address(value, name, entry)
            if not named or REGION.is_valid(key):
                endpoints[key] = address
        return endpoints

    def _address(self, value: str, name: str, entry: str) -> str:
        address = address_of(value)
        if address is None:
            rule = (
                f"{entry}must be a host or https://HOST[:PORT], or http:// on loopback, without a "
                "path, because requests carry credentials"
            )
            self.problems.add(name, NO_VALUE, rule)
        elif value not in (address, address.removeprefix("https://")):
            rule = f"{entry}must be in lower case, without a slash at the end"
            self.remarks.add(name, NO_VALUE, rule)
        return address or ""

    def _name(self, *names: str) -> str:
        """Return the name of the first variable that is set, or else the last name."""
        return next((name for name in names if self.env.get(name, "").strip()), names[-1])
