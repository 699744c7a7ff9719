"""How a function runs: a process of its own, with the package and nothing else."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from emulator import Cloud
from emulator.fc import FcService, logs
from emulator.fc.errors import FcError
from emulator.fc.packages import from_text
from emulator.fc.results import Result
from tests.emulator.fc.conftest import ECHO, LOG, messages

TELLS = """
import json, os, sys

calls = 0

def handler(event, context):
    global calls
    calls += 1
    return {
        "calls": calls,
        "pid": os.getpid(),
        "path": sys.path,
        "env": dict(os.environ),
        "cwd": os.getcwd(),
        "modules": sorted(sys.modules),
    }
"""


def told(fc: FcService, code: str = TELLS, event: bytes = b"{}", **settings: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(result(fc, code, event, **settings).body)
    return answer


def result(fc: FcService, code: str, event: bytes = b"{}", **settings: Any) -> Result:
    return fc.invoke(fc.add_function("function", code, **settings), event)


def test_sees_the_package_and_the_standard_library_only(fc: FcService) -> None:
    """What is installed for the emulator, or for this machine, is no function's business."""
    answer = told(fc)

    code, *rest = answer["path"]
    assert answer["cwd"] == code
    assert not [path for path in rest if "site-packages" in path]
    assert not {"emulator", "shared", "requests", "site"} & set(answer["modules"])


def test_has_the_variables_that_the_service_sets(fc: FcService) -> None:
    """Environment variables: credentials, where it is, what it is; and its own."""
    fc.settings.environment["SLS_ENDPOINT"] = "http://127.0.0.1:1"
    fc.settings.environment["LOG_LEVEL"] = "INFO"

    env = told(fc, environmentVariables={"LOG_LEVEL": "DEBUG"})["env"]

    assert env["FC_FUNCTION_NAME"] == "function"
    assert env["FC_REGION"] == "cn-hangzhou"
    assert env["FC_ACCOUNT_ID"] == "1234567890123456"
    assert env["FC_FUNCTION_HANDLER"] == "index.handler"
    assert env["FC_FUNCTION_MEMORY_SIZE"] == "512"
    assert env["ALIBABA_CLOUD_ACCESS_KEY_ID"].startswith("STS.")
    assert env["ALIBABA_CLOUD_SECURITY_TOKEN"]
    assert env["TZ"] == "UTC"
    assert (env["SLS_ENDPOINT"], env["LOG_LEVEL"]) == ("http://127.0.0.1:1", "DEBUG")
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"} & set(env)


def test_has_no_key_without_a_role(fc: FcService) -> None:
    """Only a role gives a function rights."""
    env = told(fc, role="")["env"]

    assert env["ALIBABA_CLOUD_ACCESS_KEY_ID"] == env["ALIBABA_CLOUD_SECURITY_TOKEN"] == ""


def test_its_key_is_known_and_lasts_36_hours(cloud: Cloud, fc: FcService) -> None:
    """Context: longer than any invocation."""
    env = told(fc)["env"]

    key = cloud.keys.find(env["ALIBABA_CLOUD_ACCESS_KEY_ID"])

    assert key is not None
    assert key.security_token == env["ALIBABA_CLOUD_SECURITY_TOKEN"]
    assert key.expires_at is not None
    assert (key.expires_at - cloud.clock.now()).total_seconds() == 36 * 3600


def test_its_key_is_bound_by_its_role(cloud: Cloud, fc: FcService) -> None:
    """Where a role of that name was made: a key of its own for each instance."""
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    cloud.add_role("narrow", [{"Version": "1", "Statement": [deny]}])

    env = told(fc, role="acs:ram::1234567890123456:role/narrow")["env"]

    key = cloud.keys.find(env["ALIBABA_CLOUD_ACCESS_KEY_ID"])
    assert key is not None
    assert key.role == "narrow"


def test_an_instance_is_frozen_and_used_again(fc: FcService) -> None:
    """Globals live on, and nothing runs between two invocations."""
    function = fc.add_function("function", TELLS)

    first = json.loads(fc.invoke(function).body)
    (frozen,) = fc.region.executor.idle_pids
    state = Path(f"/proc/{frozen}/stat").read_text().rpartition(")")[2].split()[0]
    second = fc.invoke(function)

    assert state == "T"
    assert first["pid"] == frozen == json.loads(second.body)["pid"]
    assert json.loads(second.body)["calls"] == 2
    assert not second.cold


def test_an_instance_is_found_by_its_key_until_it_ends(fc: FcService) -> None:
    """Whoever sees its calls can end just that process, as the loss of a machine does."""
    function = fc.add_function("function", TELLS)
    first = json.loads(fc.invoke(function).body)
    key_id = first["env"]["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    executor = fc.region.executor

    instance = executor.instance_of(key_id)
    assert instance is not None
    instance.kill()
    second = json.loads(fc.invoke(function).body)

    assert instance.pid == first["pid"] != second["pid"]
    assert executor.instance_of(key_id) is None
    assert executor.instance_of("LTAI-nobody") is None


def test_an_updated_function_has_new_instances(fc: FcService) -> None:
    """The old ones end with the old code."""
    function = fc.add_function("function", TELLS)
    fc.invoke(function)
    (before,) = fc.region.executor.idle_pids

    function.generation += 1
    answer = json.loads(fc.invoke(function).body)

    assert answer["calls"] == 1
    assert answer["pid"] != before
    assert not Path(f"/proc/{before}").exists()


UPDATED = """
import pathlib, time

def handler(event, context):
    (pathlib.Path(event.decode()) / "begun").touch()
    while not (pathlib.Path(event.decode()) / "updated").exists():
        time.sleep(0.01)
    import late
    return late.NAME
"""


def test_an_update_leaves_running_invocations_their_code(fc: FcService, tmp_path: Path) -> None:
    """Who has begun with a version ends with it."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "index.py").write_text(UPDATED)
    (tmp_path / "package" / "late.py").write_text("NAME = 'old'\n")
    function = fc.add_function("function", tmp_path / "package")

    with ThreadPoolExecutor() as pool:
        running = pool.submit(fc.invoke, function, str(tmp_path).encode())
        while not (tmp_path / "begun").exists():
            Event().wait(0.01)
        function.code = from_text(ECHO)
        function.generation += 1
        (tmp_path / "updated").touch()

    assert running.result().body == b"old"
    assert fc.invoke(function, b"new").body == b"new"


MEETS = """
import pathlib, os, time

def handler(event, context):
    place = pathlib.Path(event.decode())
    (place / str(os.getpid())).touch()
    while len(list(place.iterdir())) < 2:
        time.sleep(0.01)
    return str(os.getpid())
"""


def test_an_instance_serves_one_request_at_a_time(fc: FcService, tmp_path: Path) -> None:
    """Two at once are two processes."""
    function = fc.add_function("function", MEETS)
    event = str(tmp_path).encode()

    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: fc.invoke(function, event).body, range(2)))

    assert len(set(answers)) == 2
    assert len(fc.region.executor.idle_pids) == 2


def test_an_error_is_a_body_and_a_header(fc: FcService) -> None:
    """Error handling: message, class, and the stack without what lies around the handler."""
    code = 'def handler(event, context):\n    raise ValueError("something is wrong")\n'

    failed = result(fc, code)

    assert failed.error_type == "UnhandledInvocationError"
    assert json.loads(failed.body) == {
        "errorMessage": "something is wrong",
        "errorType": "ValueError",
        "stackTrace": [
            [
                'File "/code/index.py"',
                "line 2",
                "in handler",
                'raise ValueError("something is wrong")',
            ]
        ],
    }


def test_an_instance_survives_an_error_of_its_handler(fc: FcService) -> None:
    """Only a dead process is a cold start."""
    code = "def handler(event, context):\n    return 1 / int(event)\n"
    function = fc.add_function("function", code)

    assert not fc.invoke(function, b"0").ok
    good = fc.invoke(function, b"2")

    assert (good.body, good.cold) == (b"0.5", False)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nowhere", "No module named 'nowhere'"),
        ("def other(event, context): ...", "Handler 'handler' is missing on module 'index'"),
        ("def handler(: ...", "invalid syntax"),
    ],
)
def test_code_that_cannot_be_loaded_is_the_functions_error(
    fc: FcService, code: str, said: str
) -> None:
    """Each invocation tries anew: nothing of a broken load is kept."""
    failed = result(fc, code)

    assert failed.error_type == "UnhandledInvocationError"
    assert said in json.loads(failed.body)["errorMessage"]
    assert fc.region.executor.idle_pids == []


@pytest.mark.parametrize(
    ("returned", "body"),
    [("b'raw'", b"raw"), ("'text'", b"text"), ("{'a': 1}", b'{"a": 1}'), ("None", b"null")],
)
def test_what_a_handler_returns_becomes_bytes(fc: FcService, returned: str, body: bytes) -> None:
    """Bytes and text as they are, the rest as JSON."""
    assert result(fc, f"def handler(event, context):\n    return {returned}\n").body == body


def test_a_large_event_and_a_large_output_pass(fc: FcService) -> None:
    """More than a pipe holds, both ways."""
    code = 'def handler(event, context):\n    print("x" * 300_000)\n    return event\n'
    event = b"e" * 2_000_000

    large = result(fc, code, event)

    assert large.body == event
    assert len(large.log) == 300_001


def test_the_tail_of_a_large_log_is_its_end(fc: FcService) -> None:
    """X-Fc-Log-Type Tail: 4 KB at most, and what the execution took is in it."""
    function = fc.add_function(
        "f", 'def handler(event, context):\n    print("x" * 9_000)\n', memorySize=256
    )
    log = logs.tail(function, fc.invoke(function), request_id="id-1").decode()

    assert len(log) == 4096
    assert "x\nFC Invoke End RequestId: id-1\n\nDuration: " in log
    assert ", Memory Size: 256 MB, Max Memory Used: " in log


def test_a_process_that_ends_is_an_error(fc: FcService) -> None:
    """Error handling, abnormal exit."""
    failed = result(fc, "import os\ndef handler(event, context):\n    os._exit(3)\n")

    message = json.loads(failed.body)["errorMessage"]
    assert message.startswith("Process exited unexpectedly before completing request")
    assert failed.error_type == "UnhandledInvocationError"


def test_an_invocation_ends_at_its_time_limit(fc: FcService) -> None:
    """And its process with it."""
    code = "import time\ndef handler(event, context):\n    print('begun')\n    time.sleep(60)\n"

    failed = result(fc, code, timeout=1)

    assert failed.kind == "FunctionTimeoutError"
    assert "timed out after 1 seconds" in json.loads(failed.body)["errorMessage"]
    assert failed.log == b"begun\n"
    assert fc.region.executor.idle_pids == []


def test_an_invocation_ends_at_its_memory_limit(fc: FcService) -> None:
    """Resident size counts, not what was only asked for."""
    code = "def handler(event, context):\n    return len(bytearray(b'x') * (300 << 20))\n"

    failed = result(fc, code, memorySize=128)

    assert failed.kind == "FunctionOOMError"
    assert failed.memory_mb > 128
    assert fc.region.executor.idle_pids == []


def test_memory_is_told(fc: FcService) -> None:
    """The largest so far, in MiB."""
    used = result(fc, "def handler(event, context):\n    bytearray(b'x') * (50 << 20)\n")

    assert 50 <= used.memory_mb < 100


WRITES = """
import pathlib

def handler(event, context):
    (pathlib.Path(__file__).parent / "left-behind").write_text("x")
"""


def test_the_code_folder_must_not_change(fc: FcService) -> None:
    """In the service it is read-only: here a write is found out, and undone."""
    function = fc.add_function("function", WRITES)

    failed = fc.invoke(function)

    assert json.loads(failed.body)["errorType"] == "Emulator.CodeFolderChanged"
    assert "left-behind" in json.loads(failed.body)["errorMessage"]
    assert [path.name for path in function.code.folder().iterdir()] == ["index.py"]


def test_importing_leaves_no_bytecode_beside_the_code(fc: FcService) -> None:
    """So a package without any is compiled at each cold start, as it is in the service."""
    function = fc.add_function("function", ECHO)

    assert fc.invoke(function).ok

    assert function.code.changes() == []
    assert [path.name for path in function.code.folder().iterdir()] == ["index.py"]


INITIALIZES = """
begun = []

def initialize(context):
    if context.function.name == "broken":
        raise RuntimeError("not today")
    begun.append(context.request_id)

def handler(event, context):
    return begun
"""
INITIALIZER: dict[str, Any] = {
    "instanceLifecycleConfig": {"initializer": {"handler": "index.initialize", "timeout": 9}}
}


def test_an_initializer_runs_once_for_each_instance(fc: FcService) -> None:
    """Before the first invocation, and with its context."""
    function = fc.add_function("function", INITIALIZES, **INITIALIZER)

    first, second = fc.invoke(function), fc.invoke(function)

    assert first.body == second.body
    assert len(json.loads(first.body)) == 1


def test_an_initializer_that_fails_fails_the_invocation(fc: FcService) -> None:
    """Instance lifecycle: the header says InitializationError."""
    function = fc.add_function("broken", INITIALIZES, **INITIALIZER)

    failed = fc.invoke(function)

    assert failed.error_type == "InitializationError"
    assert json.loads(failed.body)["errorMessage"] == "not today"
    assert fc.region.executor.idle_pids == []


CONTEXT = """
def handler(event, context):
    function = vars(context.function)
    del context.function
    return {"context": {k: getattr(v, "__dict__", v) for k, v in vars(context).items()},
            "function": function, "logger": str(context.getLogger())}
"""


def test_the_context_up_to_python_3_10_has_credentials_and_a_service(fc: FcService) -> None:
    """Context."""
    service = fc.add_service("backups", log=LOG)
    answer = told(fc, CONTEXT, runtime="python3.10", service=service)

    context = answer["context"]
    assert context["credentials"]["access_key_id"].startswith("STS.")
    assert context["service"] == {
        "name": "backups",
        "log_project": "function-logs",
        "log_store": "records",
        "qualifier": "LATEST",
        "version_id": "LATEST",
    }
    assert answer["function"] == {
        "name": "function",
        "handler": "index.handler",
        "memory": 512,
        "timeout": 60,
    }
    assert (context["region"], context["account_id"]) == ("cn-hangzhou", "1234567890123456")


def test_the_context_of_python_3_12_has_neither(fc: FcService) -> None:
    """Context: what is in them is elsewhere, or in the environment."""
    answer = told(fc, CONTEXT, runtime="python3.12", log=LOG)

    context = answer["context"]
    assert set(context) == {
        *("request_id", "region", "account_id", "log_project", "log_store", "logger"),
    }
    assert (context["log_project"], context["log_store"]) == ("function-logs", "records")
    assert answer["function"]["version_id"] == answer["function"]["qualifier"] == "LATEST"


def test_a_runtime_needs_its_own_python(fc: FcService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another minor version would show nothing about a package with compiled code."""
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("PYENV_ROOT", os.devnull)
    fc.settings.own_python = False
    function = fc.add_function("function", ECHO, runtime="python3.1")

    with pytest.raises(FcError, match=r"no python3\.1 on this machine.*own_python"):
        fc.invoke(function)


def test_the_python_that_runs_the_local_cloud_is_found_for_its_own_version(fc: FcService) -> None:
    """Without the packages that are installed for it."""
    fc.settings.own_python = False
    code = "import sys\ndef handler(event, context):\n    return list(sys.version_info[:2])\n"
    runtime = f"python{sys.version_info[0]}.{sys.version_info[1]}"

    answer = fc.invoke(fc.add_function("function", code, runtime=runtime))

    assert json.loads(answer.body) == list(sys.version_info[:2])


def test_what_is_printed_becomes_records(cloud: Cloud, fc: FcService) -> None:
    """Log fields: a line is a record, between FC's own two."""
    code = """
import logging, sys
def handler(event, context):
    print("to stdout")
    sys.stderr.write("to stderr")
    logging.getLogger().warning("by logging")
"""
    function = fc.add_function("function", code, service=fc.add_service("backups", log=LOG))

    fc.invoke(function)

    first, *said, last = messages(cloud)
    assert first.startswith("FC Invoke Start RequestId: ")
    assert last == first.replace("Start", "End")
    assert said[0] == "to stdout"
    assert said[1].startswith("to stderr")
    assert said[1].endswith(f"Z {first.rpartition(' ')[2]} [WARNING] by logging")
    record = cloud.sls.records(*LOG)[0]
    assert record["__topic__"] == record["serviceName"] == "backups"
    assert (record["functionName"], record["qualifier"]) == ("function", "LATEST")


def test_a_killed_function_leaves_what_it_had_printed(cloud: Cloud, fc: FcService) -> None:
    """A run that was cut off is visible."""
    code = "import os\ndef handler(event, context):\n    print('so far')\n    os._exit(9)\n"

    fc.invoke(fc.add_function("function", code, log=LOG))

    assert "so far" in messages(cloud)


def test_no_process_outlives_the_cloud(cloud: Cloud, fc: FcService) -> None:
    """Closing ends them; the cloud goes on."""
    function = fc.add_function("function", TELLS)
    pid = json.loads(fc.invoke(function).body)["pid"]

    cloud.close()

    assert not Path(f"/proc/{pid}").exists()
    assert fc.invoke(function).cold
