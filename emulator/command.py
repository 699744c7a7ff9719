"""
The emulator as a process: `serve`, until SIGTERM or SIGINT.

What a program needs goes into the ready file, what a person needs to stderr;
stdout stays empty. Ends with 0 on SIGTERM and SIGINT, with 2 for arguments or files
that cannot be used, with 1 if a port is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import signal
import string
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path

from emulator import fleet as fleets
from emulator.cloud import DEFAULT_REGION, Cloud
from emulator.credentials import AccessKey
from emulator.ecs.settings import EcsSettings
from emulator.fleet import Fleet
from emulator.options import parser
from emulator.server import Address, ports_of, serve
from emulator.sls.errors import SlsError

_PROJECT = "local-project"
_LOGSTORE = "local-logstore"
_ENDED, _FAILED, _MISUSED = 0, 1, 2
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A cloud that is ready to be served, and where its records belong."""

    cloud: Cloud
    sls_project: str
    sls_logstore: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the process's exit status."""
    options = parser().parse_args(arguments)
    try:
        fleet = fleets.load(options.fleet) if options.fleet else fleets.EMPTY
        place = _place(options, fleet)
        ports_of(place.cloud, options.port)
        _check_ready_file(options.ready_file)
    except (OSError, ValueError, SlsError) as exc:
        sys.stderr.write(f"cannot begin:\n{exc}\n")
        return _MISUSED
    try:
        _run(place, port=options.port, ready_file=options.ready_file)
    except OSError as exc:
        sys.stderr.write(f"cannot serve: {exc.filename}: {exc.strerror}\n")
        return _FAILED
    return _ENDED


def _check_ready_file(path: Path | None) -> None:
    """Look before anything is announced; whether there is room is only known at the end."""
    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"--ready-file {path}: is a folder")
    if not path.parent.is_dir():
        raise ValueError(f"--ready-file {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"--ready-file {path}: {path.parent} may not be written to")


def _place(options: argparse.Namespace, fleet: Fleet) -> _Place:
    """Build the cloud: options win over the fleet file, which wins over defaults."""
    cloud = Cloud(
        regions=list(dict.fromkeys((*fleet.regions, *options.region))) or [DEFAULT_REGION],
        account_id=options.account_id or fleet.account_id or "1234567890123456",
        ecs_settings=_ecs_settings(options, fleet),
        seed=options.seed,
        access_key=_access_key(options.access_key_id, options.access_key_secret),
    )
    fleet.fill(cloud)
    for region_id in cloud.regions:
        cloud.fc(region_id).settings.own_python = options.own_python
    project = options.sls_project or fleet.sls_project or _PROJECT
    logstore = options.sls_logstore or fleet.sls_logstore or _LOGSTORE
    cloud.sls.create_project(project)
    cloud.sls.create_logstore(project, logstore)
    return _Place(cloud=cloud, sls_project=project, sls_logstore=logstore)


def _ecs_settings(options: argparse.Namespace, fleet: Fleet) -> EcsSettings:
    ecs_settings = EcsSettings()
    fleet.apply_settings(ecs_settings)
    for setting in fields(EcsSettings):
        value = getattr(options, setting.name)
        if value is not None:
            setattr(ecs_settings, setting.name, value)
    return ecs_settings


def _access_key(key_id: str | None, secret: str | None) -> AccessKey:
    """Return the given pair, or a new random one."""
    if bool(key_id) != bool(secret):
        raise ValueError("--access-key-id and --access-key-secret need each other")
    return AccessKey(
        access_key_id=key_id or f"LTAI5t{_random(18)}", access_key_secret=secret or _random(30)
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _run(place: _Place, *, port: int, ready_file: Path | None) -> None:
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    with serve(place.cloud, port=port) as address, _announced(place, address, ready_file):
        end.wait()


@contextmanager
def _announced(place: _Place, address: Address, ready_file: Path | None) -> Iterator[None]:
    """Write the addresses for a program, and print them for a person."""
    mine = _for_a_program(place, address)
    if ready_file is not None:
        # Only now, when every port is bound: a start that fails leaves another's file alone.
        _write(ready_file, mine)
    try:
        sys.stderr.write(_for_a_person(place, address, os.environ))
        sys.stderr.flush()
        yield
    finally:
        if ready_file is not None:
            # By now it may be that of another process with the same path.
            with suppress(OSError):
                if ready_file.read_text(encoding="utf-8") == mine:
                    ready_file.unlink()


def _for_a_program(place: _Place, address: Address) -> str:
    document = {
        "ecs": dict(address.ecs),
        "sls": address.sls,
        "fc": dict(address.fc),
        "oss": dict(address.oss),
        "ram": address.ram,
        "sts": address.sts,
        "smq": dict(address.smq),
        "access_key_id": place.cloud.access_key.access_key_id,
        "access_key_secret": place.cloud.access_key.access_key_secret,
        "account_id": place.cloud.account_id,
        "sls_project": place.sls_project,
        "sls_logstore": place.sls_logstore,
    }
    return json.dumps(document, indent=2) + "\n"


_NOT_BY_PROXY = "127.0.0.1,localhost"
_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


def _for_a_person(place: _Place, address: Address, env: Mapping[str, str]) -> str:
    ecs = ",".join(f"{region_id}={url}" for region_id, url in address.ecs.items())
    variables = {
        "ECS_ENDPOINT": ecs,
        "SLS_ENDPOINT": address.sls,
        "FC_ENDPOINT": next(iter(address.fc.values())),
        "RAM_ENDPOINT": address.ram,
        "STS_ENDPOINT": address.sts,
        "SMQ_ENDPOINT": next(iter(address.smq.values())),
        "SLS_PROJECT": place.sls_project,
        "SLS_LOGSTORE": place.sls_logstore,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": place.cloud.access_key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": place.cloud.access_key.access_key_secret,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    # A token of another key would be sent along, and rejected.
    lines.append("unset ALIBABA_CLOUD_SECURITY_TOKEN")
    if any(env.get(name) for name in _PROXIES):
        lines.append(f"export NO_PROXY={_NOT_BY_PROXY} no_proxy={_NOT_BY_PROXY}")
    return "\n".join(
        ["The emulator answers. To point the functions at it:", *lines, "Ctrl+C ends it.", ""]
    )


def _write(path: Path, text: str) -> None:
    """Write the file at once, readable by its owner only, because it contains a secret."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise OSError(exc.errno, exc.strerror, str(path)) from exc
