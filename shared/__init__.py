"""What ships with every function: from an event's bytes to snapshots and records."""

from shared import lean

# Before any module here imports an SDK.
lean.install()
