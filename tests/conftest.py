"""
What holds for all tests: the machine's time zone is another than UTC.

Nothing here may depend on it, and where tests run in UTC a mistake of that kind shows nowhere.
"""

from __future__ import annotations

import os
import time

os.environ["TZ"] = "Asia/Shanghai"
time.tzset()
