"""
What an index says, and how fields are compared by it.

Source: Log Service API reference, "CreateIndex" and "UpdateIndex", and "Search syntax": a
text is split into words at its delimiters; several wanted words may stand anywhere in it.
What an index can say and the emulator does not do is rejected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from emulator.sls.errors import SlsError, not_implemented, parameter_invalid, reject_unknown

Fields = Mapping[str, str]
Test = Callable[[Fields], bool]

DELIMITERS = (*""",'";=()[]{}?@&<>/: """, "\n", "\t", "\r")
"""Those of the reference's samples."""

_RETURNED_ONLY = frozenset(
    {
        *("log_reduce", "log_reduce_white_list", "log_reduce_black_list"),
        *("max_text_len", "scan_index", "ttl"),
    }
)
_LINE = frozenset({"token", "caseSensitive"})
_KEY = _LINE | {"type", "alias", "doc_value"}
_ONLY_OFF = frozenset(
    {
        *("chn", "include_keys", "exclude_keys", "embedding", "vector_index", "json_keys"),
        "index_all",
        *("auto_key_detect", "auto_text_keys"),
    }
)
"""Settings that are taken where they change nothing: false, or an empty list."""
_SHORT = {"source": "__source__", "topic": "__topic__"}
_RESERVED = ("__source__", "__topic__", "__tag__:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one field, or a whole log, is compared."""

    type: str = "text"
    delimiters: tuple[str, ...] = DELIMITERS
    case_sensitive: bool = False
    has_sql: bool = True
    """Whether SQL may read it: `doc_value`."""

    def words(self, text: str) -> set[str]:
        """Split a text at the delimiters."""
        text = text if self.case_sensitive else text.casefold()
        if not self.delimiters:
            return {text}
        return {part for part in _between(self.delimiters).split(text) if part}


@cache
def _between(delimiters: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, delimiters)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One logstore's index; `every` is for fields that `keys` does not have."""

    as_sent: Mapping[str, object]
    """As it was sent, for GetIndex."""
    line: Kind | None = None
    keys: Mapping[str, Kind] = field(default_factory=dict)
    every: Kind | None = None

    def has_word(self, wanted: str, *, quoted: bool) -> Test:
        """Return the test for words that any field may have, its name included."""
        kind = self.line or self.every
        if kind is None:
            raise parameter_invalid(f"{wanted!r}: the index has no line, so a field must be named.")
        is_found = _finder(kind, wanted, quoted=quoted)

        def test(fields: Fields) -> bool:
            own = [(key, value) for key, value in fields.items() if not key.startswith("__")]
            return is_found({word for pair in own for text in pair for word in kind.words(text)})

        return test

    def has_value(self, key: str, wanted: str, *, quoted: bool) -> Test:
        """Return the test for what one field has; `*` is anything, an empty text nothing."""
        key = _SHORT.get(key, key)
        kind = self._kind(key)
        if wanted == "*" and not quoted:
            return lambda fields: key in fields
        if wanted == "":
            return lambda fields: fields.get(key) == ""
        if kind.type != "text":
            than = _number(wanted)
            if than is None:
                raise parameter_invalid(f"{wanted!r}: the index has {key} as {kind.type}.")
            return self.has_number(key, lambda value: value == than)
        is_found = _finder(kind, wanted, quoted=quoted)
        return lambda fields: key in fields and is_found(kind.words(fields[key]))

    def has_number(self, key: str, holds: Callable[[float], bool]) -> Test:
        """Return the test for one field's number."""
        kind = self._kind(key)
        if kind.type == "text" and kind is not self.every:
            # Documented: the service then looks for the words of the comparison instead.
            raise not_implemented(f"comparing {key}: the index has it as text, not as a number.")

        def test(fields: Fields) -> bool:
            value = _number(fields.get(key, ""))
            return value is not None and holds(value)

        return test

    def _kind(self, key: str) -> Kind:
        if key.startswith(_RESERVED):
            return Kind()
        kind = self.keys.get(key, self.every)
        if kind is None:
            known = ", ".join(sorted(self.keys)) or "no fields"
            raise parameter_invalid(f"{key}: the index does not have it; it has {known}.")
        return kind


_DEFAULT_AS_SENT = {"token": list(DELIMITERS), "caseSensitive": False, "chn": False}
EVERYTHING = Index(
    as_sent={"line": _DEFAULT_AS_SENT, "all_keys": {**_DEFAULT_AS_SENT, "type": "text"}},
    line=Kind(),
    every=Kind(),
)
"""Every field, as text and, where it is one, as a number."""


def index_from(body: Mapping[str, object]) -> Index:
    """
    Read what CreateIndex and UpdateIndex send.

    Raises:
        SlsError: IndexInfoInvalid or ParameterInvalid, as the operations document; what is not
            implemented.

    """
    reject_unknown(body, _RETURNED_ONLY | {"line", "keys"})
    line, keys = body.get("line"), body.get("keys")
    if not (line or keys):
        raise _info_invalid("required fields line/keys are lacking or of error format.")
    return Index(
        as_sent=dict(body),
        line=_line(line) if line else None,
        keys={key: _key(key, says) for key, says in _object(keys or {}).items()},
    )


def _line(says: object) -> Kind:
    settings = _settings(_object(says), _LINE, "line")
    return Kind(
        delimiters=_delimiters(settings.get("token")),
        case_sensitive=settings.get("caseSensitive") is True,
    )


def _key(key: str, says: object) -> Kind:
    settings = _settings(_object(says), _KEY, f"keys.{key}")
    kind = settings.get("type")
    if not kind:
        raise parameter_invalid("key config must has type.")
    if kind not in ("text", "long", "double"):
        raise not_implemented(f"keys.{key}: type {kind!r}: there are text, long and double.")
    return Kind(
        type=str(kind),
        delimiters=_delimiters(settings.get("token", [])),
        case_sensitive=settings.get("caseSensitive") is True,
        has_sql=settings.get("doc_value") is True,
    )


def _settings(says: Mapping[str, object], known: Iterable[str], where: str) -> dict[str, object]:
    on = sorted(name for name in says if name in _ONLY_OFF and says[name])
    if on:
        raise not_implemented(f"{where}: {', '.join(on)}.")
    settings = {name: value for name, value in says.items() if name not in _ONLY_OFF}
    reject_unknown(settings, frozenset(known))
    return settings


def _object(says: object) -> Mapping[str, object]:
    if not isinstance(says, dict):
        raise _info_invalid("required fields line/keys are lacking or of error format.")
    return says


def _delimiters(says: object) -> tuple[str, ...]:
    if isinstance(says, list) and all(isinstance(mark, str) and len(mark) == 1 for mark in says):
        return tuple(says)
    raise _info_invalid("required field token is lacking or of error format.")


def _info_invalid(message: str) -> SlsError:
    return SlsError(400, "IndexInfoInvalid", message)


def _finder(kind: Kind, wanted: str, *, quoted: bool) -> Callable[[set[str]], bool]:
    """Return what says whether all wanted words are there; quoted wildcards are none."""
    words = kind.words(wanted) if quoted else _wanted_words(kind, wanted)
    patterns = [_pattern(word) for word in words if not quoted and re.search(r"[*?]", word)]
    plain = words if quoted else {word for word in words if not re.search(r"[*?]", word)}

    def is_found(there: set[str]) -> bool:
        return plain <= there and all(
            any(pattern.fullmatch(word) for word in there) for pattern in patterns
        )

    return is_found


def _wanted_words(kind: Kind, wanted: str) -> set[str]:
    """Split what is wanted; `?` is a wildcard here, also where it is a delimiter."""
    outside = tuple(mark for mark in kind.delimiters if mark not in "*?")
    words = Kind(delimiters=outside, case_sensitive=kind.case_sensitive).words(wanted)
    if any(word[0] in "*?" for word in words):
        raise parameter_invalid(f"{wanted!r}: a word cannot begin with * or ?.")
    return words


def _pattern(word: str) -> re.Pattern[str]:
    escaped = re.escape(word).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(?:\.\d*)?", text, re.ASCII) else None
