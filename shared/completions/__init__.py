"""How snapshots ended: the decision and its records. Never imports `recovery`."""
