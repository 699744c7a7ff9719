"""What the operations of FC get and return: a signed call, and a valid one with its effect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from emulator import operation
from emulator.fc.errors import FcError, invalid_argument, not_implemented
from emulator.fc.region import FcRegion
from emulator.fc.state import LATEST, Document, Function
from emulator.wire import Request

Api = Literal["2016-08-15", "2023-03-30"]
V2: Api = "2016-08-15"
V3: Api = "2023-03-30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a successful operation says; the request id is added to it."""

    document: Document | None = None
    """The body as JSON; None: `body` as it is."""
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Checked(operation.Checked[Answer]):
    """A valid call to an operation of FC."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A signed request, with what its path names."""

    request: Request
    request_id: str
    api: Api
    region: FcRegion
    names: Mapping[str, str]
    """From the path: service, function, trigger, task."""

    @property
    def service(self) -> str | None:
        """The service's name without its qualifier; None is FC 3.0."""
        return self.names["service"].partition(".")[0] if "service" in self.names else None

    @property
    def params(self) -> dict[str, str]:
        """What the path and the query name."""
        return {**self.names, **dict(self.request.query)}

    def function(self) -> Function:
        """Return the function that the path names; raises ServiceNotFound, FunctionNotFound."""
        with self.region.lock:
            return self.region.state.function(self.service, self.names["function"])

    def json_body(self) -> Document:
        """
        Return the body, which must be one JSON object; raises InvalidArgument.

        Fields may begin with a capital letter, as some clients have them.
        """
        try:
            body = json.loads(self.request.body or b"{}")
        except ValueError as exc:
            raise invalid_argument(f"the body is not JSON: {exc}") from exc
        if not isinstance(body, dict):
            raise invalid_argument("the body is not a JSON object")
        return _decapitalized(body)

    def check_query(self, known: Iterable[str]) -> None:
        """Reject what is not known in the query, and a qualifier other than LATEST."""
        query = dict(self.request.query)
        unknown = sorted(set(query) - set(known))
        if unknown:
            raise not_implemented(
                f"query parameter {', '.join(unknown)}: the emulator knows"
                f" {', '.join(sorted(known)) or 'none'} here."
            )
        check_qualifier(query.get("qualifier", ""))


def check_qualifier(qualifier: str) -> None:
    """Reject what is not the latest version: nothing here makes versions or aliases."""
    if qualifier in ("", LATEST):
        return
    if qualifier.isdecimal():
        raise FcError(404, "VersionNotFound", f"version '{qualifier}' does not exist")
    raise FcError(404, "AliasNotFound", f"alias '{qualifier}' does not exist")


def page(call: Call, items: Mapping[str, Document], key: str) -> Checked:
    """Answer a listing: `limit` (1 to 100), `prefix`, `nextToken` or `startKey` to go on from."""
    query = dict(call.request.query)
    if query.get("fcVersion", _FC_VERSION) != _FC_VERSION:
        raise not_implemented(
            f"fcVersion: {query['fcVersion']!r}: the emulator lists those of {_FC_VERSION} here."
        )
    limit = query.get("limit", "100")
    if not limit.isdecimal() or not 1 <= int(limit) <= _MAX_PAGE:
        raise invalid_argument(f"limit is {limit!r}, and must be 1 to {_MAX_PAGE}")
    first = query.get("nextToken") or query.get("startKey") or ""
    names = sorted(n for n in items if n.startswith(query.get("prefix", "")) and n >= first)
    document: Document = {key: [items[name] for name in names[: int(limit)]]}
    if len(names) > int(limit):
        document["nextToken"] = names[int(limit)]
    return done(call, document)


def done(call: Call, document: Document | None, *, status: int = 200) -> Checked:
    """Return what answers with a document that is known already."""
    answer = Answer(document=document, status=status)
    return Checked(params=call.params, effect=lambda: answer)


PAGE_QUERY = ("limit", "prefix", "nextToken", "startKey", "qualifier")
_FC_VERSION = "v3"
_MAX_PAGE = 100
_OWN_NAMES = "environmentVariables"
"""Where the names are the caller's own."""


def _decapitalized(document: Document) -> Document:
    found = {name[:1].lower() + name[1:]: value for name, value in document.items()}
    return {
        name: _decapitalized(value) if isinstance(value, dict) and name != _OWN_NAMES else value
        for name, value in found.items()
    }
