"""What ships with every function: from an event's bytes to snapshots and records."""
