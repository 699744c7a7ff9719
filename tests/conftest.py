"""
What holds for all tests: the machine's time zone is another than UTC, and it may be a slow one.

Nothing here may depend on the zone, and where tests run in UTC a mistake of that kind shows
nowhere. No example of Hypothesis has a time limit of its own: pyproject.toml limits each test.
"""

from __future__ import annotations

import os
import time

from hypothesis import settings

os.environ["TZ"] = "Asia/Shanghai"
time.tzset()

settings.register_profile("all", deadline=None)
settings.load_profile("all")
