"""
The two templates as their tools read them: YAML, with the variables of Serverless Devs filled in.

Messages contain no value of a template, because variables may be secret. Never reads a function:
`cli.templates` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from cli.yaml_lines import Lines, file_line
from shared.runtime.json_yaml import as_yaml_1_2
from shared.validation import nearest

_QUOTED = re.compile(r"""(['"])(?!<).{2,}\1""")


class TemplateError(Exception):
    """A template is missing, is not YAML, or lacks the structure that its tool expects."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise TemplateError for whatever goes wrong while a template is read."""
    try:
        yield
    except OSError as exc:
        raise TemplateError(f"{path.name}: cannot be read: {type(exc).__name__}: {exc}") from exc
    except yaml.YAMLError as exc:
        # Neither the line itself, which PyYAML shows, nor a word of it: `PW: *secret` is an alias.
        mark = getattr(exc, "problem_mark", None)
        where = file_line(path.name, mark.line + 1 if mark else None)
        problem = _QUOTED.sub("'…'", str(getattr(exc, "problem", None) or "must be YAML"))
        what = f"{type(exc).__name__}: {problem}"
        raise TemplateError(f"{where}: cannot be read: {what}") from None
    except NotAsExpectedError as exc:
        raise TemplateError(f"{path.name}: cannot be read: {exc}") from exc
    except UnicodeDecodeError as exc:
        where = file_line(path.name, Lines(exc.object).broken_at)
        raise TemplateError(f"{where}: cannot be read: must be UTF-8") from exc
    except RecursionError as exc:
        raise TemplateError(f"{path.name}: cannot be read: nested too deeply") from exc
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        what = f"{type(exc).__name__}: the structure is not what its tool expects"
        raise TemplateError(f"{path.name}: cannot be read: {what}") from exc


class NotAsExpectedError(Exception):
    """A template's structure is invalid; the message contains no value of a variable."""


@as_yaml_1_2
class _Loader(yaml.SafeLoader):
    """YAML without duplicate keys, of which the parser would silently drop the first."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401, FBT001, FBT002 - PyYAML's own signature
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                line = node.start_mark.line + 1
                raise NotAsExpectedError(f"line {line}: {key!r}: duplicate key")
        return super().construct_mapping(node, deep=deep)


# Both tools read merge keys, which are no part of YAML 1.2.
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<\Z"), ["<"])


def load_fun(path: Path) -> Any:  # noqa: ANN401 - any YAML value
    """Return the content of a template of Fun; raises TemplateError."""
    with reading(path):
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader


def load_s(path: Path) -> Any:  # noqa: ANN401 - any YAML value
    """Return a template of Serverless Devs, ``${vars.…}`` filled in; raises TemplateError."""
    document = load_fun(path)
    with reading(path):
        return {**document, "resources": _filled(document["resources"], document.get("vars", {}))}


def lines_of(path: Path) -> Lines:
    """Return the lines of a template, which may be missing."""
    return Lines(path.read_bytes() if path.is_file() else b"")


_VARIABLE = re.compile(r"\$\{vars\.([A-Za-z0-9_.]+)\}")


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any YAML value
    if isinstance(value, Mapping):
        return {key: _filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    whole = _VARIABLE.fullmatch(value)
    if whole:
        return _filled(_variable(whole[1], variables), variables)
    return _VARIABLE.sub(lambda found: str(_variable(found[1], variables)), value)


def _variable(path: str, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any YAML value
    value: Any = variables
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            known = value if isinstance(value, Mapping) else ()
            raise NotAsExpectedError(f"${{vars.{path}}}: unknown variable{nearest(key, known)}")
        value = value[key]
    return value
