"""One run: existing snapshots, disks, requests, outcomes. Never restarts a run that ended."""
