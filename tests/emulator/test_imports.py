"""What the emulator must not be made of."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASK = """
import sys
import emulator.command
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


SERVICES = ("cloud", "ecs", "eventbridge", "fc", "oss", "sls")


def test_what_rpc_services_share_knows_none_of_them() -> None:
    """So that the next service of this style needs no line of ECS."""
    files = [
        *(ROOT / "emulator" / "rpc").glob("*.py"),
        *(ROOT / "emulator" / name for name in ("account.py", "operation.py", "service.py")),
    ]
    sources = {path.name: path.read_text(encoding="utf-8") for path in files}

    assert len(sources) > 8
    for name, source in sources.items():
        imported = re.findall(r"^(?:from|import) emulator\.?(\w*)", source, re.MULTILINE)
        assert not set(imported) & set(SERVICES), name


def test_shares_no_code_with_its_clients() -> None:
    """An emulator that decodes with the client's code agrees with the client's bugs."""
    loaded = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert "emulator" in loaded
    assert not {"shared", "functions", "cli", "aliyun", "darabonba", "Tea"} & set(loaded)
    assert not [name for name in loaded if name.startswith("alibabacloud")]
