"""What the emulator must not be made of."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASK = """
import sys
import emulator.command
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_shares_no_code_with_its_clients() -> None:
    """An emulator that decodes with the client's code agrees with the client's bugs."""
    loaded = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert "emulator" in loaded
    assert not {"shared", "functions", "cli", "aliyun", "darabonba", "Tea"} & set(loaded)
    assert not [name for name in loaded if name.startswith("alibabacloud")]
