"""Outcomes of disks and runs as records: written to SLS and read back. Never decides what to do."""
