from __future__ import annotations

from hypothesis import settings

# No time limit for one example: the machines that run these tests do other things too.
settings.register_profile("unit", deadline=None, max_examples=60)
settings.load_profile("unit")
