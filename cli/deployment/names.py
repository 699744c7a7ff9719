"""
The names under which things are deployed.

The logical name of a function is that of its folder, and never changes: records contain it. What is
deployed has the logical name for the deployment ``main``, and carries the deployment's name
otherwise, so that two deployments can live in one account and region.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

MAIN = "main"
FOLDERS = (
    "snapshot_on_schedule",
    "snapshot_on_event",
    "record_completion",
    "resume_runs",
    "report_coverage",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of one deployment."""

    deployment: str

    def of(self, logical: str) -> str:
        """Return a logical name as it is deployed."""
        return logical if self.deployment == MAIN else f"{logical}-{self.deployment}"

    def function(self, folder: str) -> str:
        """Return the name of a function, in both versions of Function Compute."""
        return self.of(folder)

    def service(self, folder: str) -> str:
        """Return the service of a function: FC 2.0 only, which has a role for each service."""
        return self.of(_with_dashes(folder))

    def role(self, folder: str) -> str:
        """Return the role of a function, and its policy, which has the same name."""
        return self.of(_with_dashes(folder))

    @property
    def mark(self) -> str:
        """Return what marks a thing of the account as made by this deployment."""
        return f"ecsnap:{self.deployment}"

    @property
    def queue(self) -> str:
        """Return the default name of the queue."""
        return self.of("snapshot-failures")


def fitted(name: str, most: int) -> str:
    """Return a name that has at most some characters: a long one ends in its digest instead."""
    if len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: most - _DIGEST_LENGTH - 1].rstrip('-')}-{digest}"


_DIGEST_LENGTH = 8


def _with_dashes(folder: str) -> str:
    return folder.replace("_", "-")
