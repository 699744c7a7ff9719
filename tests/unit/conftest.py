from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", max_examples=60)
settings.load_profile("unit")
