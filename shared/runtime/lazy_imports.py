"""
What the SDKs would load and a function never uses stays unloaded: the cold start is ours.

Two things cost most of it. The ECS SDK imports all of its 1,150 models, of which a function
needs about thirty, and that of FC 3.0 all of its 300: here each is imported when it is first
asked for. And the SDKs import libraries at their top for what is never done here, such as
asynchronous calls: those are stand-ins that can be imported, named and inherited from, and
say so if they are ever used.

It has to be installed before an SDK is imported, so the package `shared` does that first of
all. It changes no source of theirs, and what is packaged lacks `LEFT_OUT` altogether.
"""

from __future__ import annotations

import gc
import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

LEFT_OUT = {
    "aiofiles": "files read asynchronously (alibabacloud-credentials)",
    "aiohttp": "asynchronous calls (alibabacloud-tea, darabonba-core)",
    "aliyun.log.logclient_operator": "projects copied and migrated (aliyun-log-python-sdk)",
    "apscheduler": "credentials refreshed by a timer (alibabacloud-credentials)",
    "cryptography": "RSA signatures (alibabacloud-tea-openapi)",
    "dateparser": "dates in words (aliyun-log-python-sdk)",
    "dateutil": "times in words (aliyun-log-python-sdk)",
    "elasticsearch": "migration from Elasticsearch (aliyun-log-python-sdk)",
    "websocket": "web sockets (darabonba-core, aliyun-fc2)",
}
"""Libraries and modules, and what the SDKs would use them for."""

LAZY = ("alibabacloud_ecs20140526.models", "alibabacloud_fc20230330.models")


class _Unused(type):
    """The class of everything that a stand-in holds: may be named and inherited from."""

    def __getattr__(cls, name: str) -> Any:  # noqa: ANN401 - stands for anything
        if name.startswith("__"):
            raise AttributeError(name)
        return _stand_in(f"{cls.__qualname__}.{name}")

    def __call__(cls, *_: object, **__: object) -> Any:  # noqa: ANN401 - never returns
        name = _left_out(cls.__qualname__) or ""
        raise ImportError(
            f"{cls.__qualname__} is needed, and {name} is left out of this function "
            f"({LEFT_OUT[name]} are never needed here): see shared/runtime/lazy_imports.py"
        )


def _left_out(name: str) -> str | None:
    """Return the entry of `LEFT_OUT` to which a module or something in it belongs."""
    parts = name.split(".")
    heads = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return next((head for head in heads if head in LEFT_OUT), None)


def _stand_in(name: str) -> _Unused:
    return _Unused(name, (), {"__module__": name})


class _Absent(ModuleType):
    """A module of a library that is left out."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands for anything
        if name.startswith("__"):
            raise AttributeError(name)
        return _stand_in(f"{self.__name__}.{name}")


class _Lazy(ModuleType):
    """A package whose names are imported from its modules as they are asked for."""

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
    """Return the module of a package in which a name lives, as its own imports say."""
    if folder not in _homes:
        source = Path(folder, "__init__.py").read_text(encoding="utf-8")
        _homes[folder] = {name: module for module, name in _IMPORT.findall(source)}
    return _homes[folder].get(name)


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Lazy(spec.name) if spec.name in LAZY else _Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: names come as they are asked for."""


class _Finder(MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if _left_out(fullname):
            return ModuleSpec(fullname, _Loader(), is_package=True)
        if fullname not in LAZY:
            return None
        real = PathFinder.find_spec(fullname, path, target)
        if real is None or not real.submodule_search_locations:
            return None
        spec = ModuleSpec(fullname, _Loader(), origin=real.origin, is_package=True)
        spec.submodule_search_locations = real.submodule_search_locations
        return spec


@contextmanager
def importing() -> Iterator[None]:
    """
    Import without garbage collection, which takes a fifth of the time and finds nothing.

    What was imported is then left out of every later collection: it lives as long as the process.
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
    """Let imports pass by here first; the second time changes nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
