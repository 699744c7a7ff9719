"""Makes the page of an account: what the rows do not have is read from the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from cli.history.source import Source, SourceError
from cli.inventory.account import Account
from cli.inventory.survey import Survey
from cli.page.days import Calendar, calendar_of
from cli.page.document import Facts, document_of
from cli.page.history import History, history_of
from cli.page.html import page
from cli.page.problems import cached_advice
from shared.coverage.fired import fired_policies

NOT_FROM_RECORDS = "the last 30 days, failures and open runs are not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, not written yet."""

    text: str
    missing: Sequence[str]
    """What of the records could not be read, in words; the page says it too."""


def page_of(
    account: Account,
    source: Source | SourceError,
    found: Survey,
    *,
    is_live: bool = False,
    zone: tzinfo | None = None,
) -> Page:
    """
    Return the page; without records it has only what was found of the disks.

    Args:
        account: The account of the disks.
        source: The records, or why there are none.
        found: The disks, in the order in which they are to be shown.
        is_live: They are of the snapshots in ECS, not of the records.
        zone: Where a day begins; None is the time zone of this machine.

    """
    calendar = calendar_of(account.clock.now(), zone)
    history = _history(source, calendar)
    missing = []
    if isinstance(history, SourceError):
        missing = [f"{NOT_FROM_RECORDS}: {history}"]
    facts = Facts(
        deployment=account.project.policies.deployment,
        is_live=is_live,
        rows=[row.document() for row in found.rows],
        fired=fired_policies(account.project.policies),
        calendar=calendar,
        zone=zone,
        history=None if isinstance(history, SourceError) else history,
        missing=[*found.unreadable, *missing],
    )
    return Page(text=page(document_of(facts, cached_advice())), missing=missing)


def _history(source: Source | SourceError, calendar: Calendar) -> History | SourceError:
    if isinstance(source, SourceError):
        return source
    try:
        return history_of(source, calendar)
    except SourceError as exc:
        return exc
