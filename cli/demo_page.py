"""
The page of the demo: what `ecsnap coverage --html` writes of the emulator.

First it delivers what happens after a run: ECS ends the snapshots, and its events are recorded.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from cli.account.access import access_of
from cli.account.sls import SlsClient
from cli.emulator_session import EmulatorSession
from cli.history.source import Source
from cli.inventory.account import account_of
from cli.inventory.survey import survey
from cli.monitoring.index import index_document
from cli.page.file import page_file
from cli.page.write import page_of

SNAPSHOTS_END_S = 300.0
"""When the snapshots of the demo have ended, in seconds of the emulator."""
_COMPLETED = ":CreateSnapshotCompleted"


def write_demo_page(session: EmulatorSession, policies: Path, path: Path) -> None:
    """
    Write the page of an emulator; the folder of the file is made if it is missing.

    Raises:
        SourceError: The project's files or the emulator cannot be read.
        PageFileError: The file cannot be written.

    """
    with suppress(OSError):  # `page_file` says why
        path.parent.mkdir(parents=True, exist_ok=True)
    with page_file(path) as file:
        _complete(session)
        account = account_of(policies, os.environ, clock=session.clock)
        access = access_of(os.environ, region=account.home, services=("SLS",))
        sls = SlsClient(access)
        project, logstore = session.sls_project, session.sls_logstore
        exists = sls.index(project, logstore) is not None
        sls.put_index(project, logstore, index_document(), exists=exists)
        source = Source(
            deployment=account.project.policies.deployment,
            project=project,
            logstore=logstore,
            sls=sls,
            now=session.clock.now(),
        )
        file.save(page_of(account, source, survey(account, source)).text)


def _complete(session: EmulatorSession) -> None:
    """Let the snapshots end, and deliver the events of ECS about them."""
    session.clock.sleep(SNAPSHOTS_END_S)
    session.cloud.eventbridge.collect()
    for event in session.cloud.eventbridge.events:
        if str(event["type"]).endswith(_COMPLETED):
            session.invoke("record_completion", json.dumps(event).encode())
