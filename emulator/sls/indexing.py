"""
Indexes: making, reading, changing and removing the one that a logstore has.

Source: Log Service API reference, "CreateIndex", "GetIndex", "UpdateIndex", "DeleteIndex".
"""

from __future__ import annotations

from emulator.sls.errors import SlsError, parameter_invalid
from emulator.sls.index import index_from
from emulator.sls.operations import Answer, Call, Checked, checked, document

_DEFAULT_TTL_DAYS = 30


def create_index(call: Call) -> Checked:
    """Make a logstore searchable, from the next write on."""
    logstore = call.projects.logstore(call.project, call.logstore)
    call.query(frozenset())
    index = index_from(call.json_body())

    def effect() -> Answer:
        if logstore.index is not None:
            raise SlsError(400, "IndexAlreadyExist", "Logstore index is already created.")
        logstore.index, logstore.index_changed_at = index, call.clock.now()
        return Answer()

    return checked(call, effect)


def get_index(call: Call) -> Checked:
    """Return the index as it was sent."""
    logstore = call.projects.logstore(call.project, call.logstore)
    call.query(frozenset())
    if logstore.index is None:
        raise SlsError(400, "IndexConfigNotExist", "index config doesn't exist.")
    return document(
        call,
        {
            "index_mode": "v2",
            "storage": "pg",
            "ttl": logstore.settings.get("ttl", _DEFAULT_TTL_DAYS),
            "lastModifyTime": int(logstore.index_changed_at.timestamp()),
            **logstore.index.as_sent,
        },
    )


def update_index(call: Call) -> Checked:
    """Replace the index; what was indexed before is compared by the new one from now on."""
    logstore = call.projects.logstore(call.project, call.logstore)
    call.query(frozenset())
    index = index_from(call.json_body())

    def effect() -> Answer:
        if logstore.index is None:
            raise parameter_invalid("log store index is not created.")
        logstore.index, logstore.index_changed_at = index, call.clock.now()
        return Answer()

    return checked(call, effect)


def delete_index(call: Call) -> Checked:
    """Remove the index: no query any more, and what is written is not indexed."""
    logstore = call.projects.logstore(call.project, call.logstore)
    call.query(frozenset())

    def effect() -> Answer:
        if logstore.index is None:
            raise parameter_invalid("log store index not created.")
        logstore.index = None
        return Answer()

    return checked(call, effect)
