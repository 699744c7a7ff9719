"""Where the project's own files are, whatever folder the command is called from."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
POLICIES = ROOT / "policies.yaml"
