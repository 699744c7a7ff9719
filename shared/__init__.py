"""What ships with every function: from an event's bytes to snapshots and records."""

from shared import built_for, lean

# Before any module here imports an SDK.
built_for.check()
lean.install()
