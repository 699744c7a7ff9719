"""What a policy file may contain and which disks it selects. Never calls a service."""
