"""
Imports that a function does not need: models, libraries that are left out, modules for first use.

Most of a cold start is imports. Four kinds of them are avoided without a change to any SDK:

- `MODELS`: the ECS SDK has 1,150 models and that of FC 3.0 has 300, of which a function needs
  about thirty. Each is imported when it is first named.
- `LEFT_OUT`: what no path of a function uses, such as asynchronous calls. The package lacks these
  modules. Stand-ins can be imported, named and inherited from; a call raises ImportError.
- `TRIMMED`: packages of which the package of a function has some modules only. The others have
  stand-ins as well, but only where they are missing, because tests use the whole SDK.
- `ON_FIRST_USE`: what some paths need and an ordinary cold start does not. The package has these
  modules. A stand-in imports the module when it is first used.

`install` must be called before an SDK is imported, so `shared/__init__.py` calls it first.
"""

from __future__ import annotations

import copy
import gc
import importlib
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_CREDENTIALS = "credentials of another origin than a key pair (alibabacloud-credentials)"
_WEB_SOCKETS = "web sockets (alibabacloud-tea-openapi, aliyun-fc2)"
LEFT_OUT = {
    "aiofiles": "files read asynchronously (alibabacloud-credentials)",
    "aiohttp": "asynchronous calls (alibabacloud-tea, darabonba-core)",
    "alibabacloud_credentials.provider.cli_profile": _CREDENTIALS,
    "alibabacloud_credentials.provider.cloud_sso": _CREDENTIALS,
    "alibabacloud_credentials.provider.default": _CREDENTIALS,
    "alibabacloud_credentials.provider.ecs_ram_role": _CREDENTIALS,
    "alibabacloud_credentials.provider.external": _CREDENTIALS,
    "alibabacloud_credentials.provider.oauth": _CREDENTIALS,
    "alibabacloud_credentials.provider.oidc": _CREDENTIALS,
    "alibabacloud_credentials.provider.profile": _CREDENTIALS,
    "alibabacloud_credentials.provider.ram_role_arn": _CREDENTIALS,
    "alibabacloud_credentials.provider.rsa_key_pair": _CREDENTIALS,
    "alibabacloud_credentials.provider.uri": _CREDENTIALS,
    "alibabacloud_tea_openapi.websocket_utils": _WEB_SOCKETS,
    "aliyun.log.logclient_operator": "projects copied and migrated (aliyun-log-python-sdk)",
    "apscheduler": "credentials refreshed by a timer (alibabacloud-credentials)",
    "cryptography": "RSA signatures (alibabacloud-tea-openapi)",
    "darabonba.websocket": _WEB_SOCKETS,
    "dateparser": "dates in words (aliyun-log-python-sdk)",
    "dateutil": "times in words (aliyun-log-python-sdk)",
    "elasticsearch": "migration from Elasticsearch (aliyun-log-python-sdk)",
    "websocket": _WEB_SOCKETS,
}
"""Libraries and modules that are never used, and the purpose that the SDKs have for them."""

TRIMMED = {"aliyun.log": "operations of SLS other than PutLogs and GetLogs"}
"""Packages of which only the modules that a function needs are shipped, and what the others do."""

ON_FIRST_USE: dict[str, tuple[str, ...]] = {
    "asyncio": (),
    "charset_normalizer": (),
    "google.protobuf.internal.python_message": (),
    "importlib.metadata": ("version",),
    "xml.etree.ElementTree": (),
}
"""
Modules that are imported when an attribute is first read, and the functions among these
attributes that an SDK imports by name (``from importlib.metadata import version``), which
count as used when they are called.

Who imports them: `asyncio` alibabacloud-tea and darabonba-core, for asynchronous calls;
`charset_normalizer` requests, for texts that do not name their encoding; `python_message`
protobuf, for platforms without its compiled form; `importlib.metadata` urllib3, for HTTP/2;
`ElementTree` darabonba-core, for answers in XML.
"""

MODELS = ("alibabacloud_ecs20140526.models", "alibabacloud_fc20230330.models")


class _Unused(type):
    """The class of everything that a stand-in holds: may be named and inherited from."""

    def __getattr__(cls, name: str) -> Any:  # noqa: ANN401 - stands for anything
        if name.startswith("__"):
            raise AttributeError(name)
        return _stand_in(f"{cls.__qualname__}.{name}")

    def __call__(cls, *_: object, **__: object) -> Any:  # noqa: ANN401 - never returns
        purpose = _purpose_in(LEFT_OUT | TRIMMED, cls.__qualname__)
        raise ImportError(
            f"{cls.__qualname__}: not in this package, because {purpose} are never needed; "
            "see shared/runtime/lazy_imports.py"
        )


def _purpose_in(purposes: Mapping[str, str], name: str) -> str | None:
    """Return the purpose of the library or package to which a module or its content belongs."""
    parts = name.split(".")
    heads = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((purposes[head] for head in heads if head in purposes), None)


def _stand_in(name: str) -> _Unused:
    return _Unused(name, (), {"__module__": name})


class _Absent(ModuleType):
    """A module of a library that is left out."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands for anything
        if name.startswith("__"):
            raise AttributeError(name)
        return _stand_in(f"{self.__name__}.{name}")


class _Models(ModuleType):
    """A package whose names are imported from its modules when they are first read."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the SDK keeps there
        if name.startswith("__"):
            raise AttributeError(name)
        module = _home_of(name, self.__path__[0])
        if module is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{self.__name__}.{module}"), name)
        setattr(self, name, value)
        return value


_IMPORT = re.compile(r"^from \.(\w+) import (\w+)$", re.MULTILINE)
_homes: dict[str, dict[str, str]] = {}


def _home_of(name: str, folder: str) -> str | None:
    """Return the module of a package that defines a name, by the imports of the package."""
    if folder not in _homes:
        source = Path(folder, "__init__.py").read_text(encoding="utf-8")
        _homes[folder] = {name: module for module, name in _IMPORT.findall(source)}
    return _homes[folder].get(name)


class _OnFirstUse(ModuleType):
    """A stand-in for a module of `ON_FIRST_USE`, which passes on every read, at any time."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        if name in ON_FIRST_USE[self.__name__]:
            return _function(self, name)
        if name == "__version__" and (version := _version_in(self.__path__)):
            return version  # requests reads it when it is imported
        if name.startswith("__") and name not in ("__all__", "__version__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(_load(self), name)


_replaced: set[str] = set()
_replacing = threading.Lock()


def _load(stand_in: _OnFirstUse) -> ModuleType:
    """
    Import the module itself, by the import system, which lets other threads wait for it.

    A failed import leaves no trace: the next use imports again, and fails in the same way.
    """
    name = stand_in.__name__
    with _replacing:
        if sys.modules.get(name) is stand_in:
            _replaced.add(name)
            del sys.modules[name]
    return importlib.import_module(name)


def _function(stand_in: _OnFirstUse, name: str) -> Callable[..., Any]:
    def call(*args: object, **more: object) -> Any:  # noqa: ANN401 - what the function returns
        return getattr(_load(stand_in), name)(*args, **more)

    return call


_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


def _version_in(folders: Sequence[str]) -> str | None:
    """Return the version that the text of a package's `version.py` contains; None if none."""
    try:
        text = Path(folders[0], "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    found = _VERSION.search(text)
    return found[1] if found else None


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.name in MODELS:
            return _Models(spec.name)
        if spec.name in ON_FIRST_USE:
            return _OnFirstUse(spec.name)
        return _Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing, because names are imported when they are read."""


class _Loaded(Loader):
    """Returns a module that was imported while it was searched."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        _ = spec
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, in place of the one that led here."""
        module.__spec__ = self._spec


class _Finder(MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        package = fullname.rpartition(".")[0]
        is_trimmed = package in TRIMMED and PathFinder.find_spec(fullname, path) is None
        if is_trimmed or _purpose_in(LEFT_OUT, fullname):
            return ModuleSpec(fullname, _Loader(), is_package=True)
        parent = sys.modules.get(package)
        if isinstance(parent, _OnFirstUse):
            return _in_loaded(parent, fullname)
        if fullname not in MODELS and (fullname not in ON_FIRST_USE or fullname in _replaced):
            return None
        real = PathFinder.find_spec(fullname, path, target)
        if real is None or (fullname in MODELS and not real.submodule_search_locations):
            return None
        spec = ModuleSpec(fullname, _Loader(), origin=real.origin)
        spec.submodule_search_locations = real.submodule_search_locations
        return spec


def _in_loaded(parent: _OnFirstUse, fullname: str) -> ModuleSpec | None:
    """Load a package, a module of which is imported; None if that did not import the module."""
    _load(parent)
    loaded = sys.modules.get(fullname)
    if loaded is None or loaded.__spec__ is None:
        return None
    spec = copy.copy(loaded.__spec__)
    spec.loader = _Loaded(loaded)
    return spec


@contextmanager
def importing() -> Iterator[None]:
    """
    Import without garbage collection, which takes a fifth of the time and finds nothing.

    Later collections skip what was imported, because it lives as long as the process.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def install() -> None:
    """Put the finder in front of all others; a second call changes nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
