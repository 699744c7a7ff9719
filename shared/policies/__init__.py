"""Policy files: their keys and rules, and which disks a policy selects. Never calls a service."""
