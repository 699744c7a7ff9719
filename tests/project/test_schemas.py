"""Every key and value of both templates is held to what its tool and Function Compute take."""

from __future__ import annotations

import copy
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.check import check
from cli.template_files import TemplateError, load_fun, load_s
from cli.template_schema import schema_problems

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = {"s": load_s(ROOT / "s.yaml"), "template": load_fun(ROOT / "template.yml")}
FREE_NAMES = {
    ("vars",),
    ("resources",),
    ("resources", "*", "props", "environmentVariables"),
    ("Resources",),
    ("Resources", "*", "*", "Properties", "EnvironmentVariables"),
    ("Resources", "*", "*", "Events"),
}
"""Where an operator chooses the keys."""
FUNCTION = ("resources", "snapshot_on_schedule", "props")
TIMER = (*FUNCTION, "triggers", 0)
RULE = ("resources", "snapshot_on_event", "props", "triggers", 0)
SERVICE = ("Resources", "snapshot-on-schedule")
FUN_FUNCTION = (*SERVICE, "snapshot_on_schedule")
FUN_TIMER = (*FUN_FUNCTION, "Events", "nightly")
Path_ = tuple[Any, ...]


def at(document: Any, path: Path_) -> Any:
    for key in path:
        document = document[key]
    return document


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Yield where every key and every item is."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items if isinstance(value, (dict, list)) else ():
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from places(item, (*path, key))


def is_free(path: Path_) -> bool:
    if path[:1] == ("vars",):
        return True
    return any(
        len(free) == len(path) - 1
        and all(mine in ("*", its) for mine, its in zip(free, path, strict=False))
        for free in FREE_NAMES
    )


def is_service_function(path: Path_) -> bool:
    """A function of Fun is next to Type and Properties, and may have any name."""
    return path[0] == "Resources" and len(path) == 3 and path[2] not in ("Type", "Properties")


def found(schema: str, document: Any) -> str:
    return "\n".join(map(str, schema_problems(document, schema)))


@pytest.mark.parametrize("schema", DOCUMENTS)
def test_what_is_shipped_fits(schema: str) -> None:
    """Nothing in the repository's own templates is unknown."""
    assert found(schema, DOCUMENTS[schema]) == ""


@pytest.mark.parametrize("schema", DOCUMENTS)
def test_every_misspelt_key_is_named(schema: str) -> None:
    """In every place: fc3 accepts it, and Fun's own check is switched off."""
    tried = 0
    for path in places(DOCUMENTS[schema]):
        if isinstance(path[-1], int) or is_free(path) or is_service_function(path):
            continue
        document = copy.deepcopy(DOCUMENTS[schema])
        parent = at(document, path[:-1])
        parent[f"{path[-1]}s"] = parent.pop(path[-1])
        assert f"{path[-1]}s" in found(schema, document), path
        tried += 1
    assert tried > 30


@pytest.mark.parametrize("schema", DOCUMENTS)
def test_every_value_of_a_wrong_type_is_named(schema: str) -> None:
    """No key takes values of every kind; what `vars` hold is held where it is used."""
    for path in places(DOCUMENTS[schema]):
        if path[0] == "vars":
            continue
        was = at(DOCUMENTS[schema], path)
        for wrong in (None, "text", "", 7, -1, True, [], {}, ["x"], {"x": 1}):
            if type(wrong) is type(was):
                continue
            document = copy.deepcopy(DOCUMENTS[schema])
            at(document, path[:-1])[path[-1]] = wrong
            if path[-1] == "cpu" and wrong == 7:
                continue
            assert found(schema, document), (path, wrong)


@pytest.mark.parametrize("file", ["s.yaml", "template.yml"])
def test_no_template_however_broken_ends_the_check(tmp_path: Path, file: str) -> None:
    """Each mistake is one message; never a traceback."""
    for part in ("policies.yaml", "s.yaml", "template.yml"):
        shutil.copy(ROOT / part, tmp_path / part)
    for part in ("functions", "events"):
        shutil.copytree(ROOT / part, tmp_path / part)
    good = yaml.safe_load((ROOT / file).read_text())
    wrongs: tuple[object, ...] = (None, 7, ["x"], [], {})
    for path, wrong in zip(places(good), itertools.cycle(wrongs), strict=False):
        document = copy.deepcopy(good)
        at(document, path[:-1])[path[-1]] = wrong
        (tmp_path / file).write_text(yaml.safe_dump(document, sort_keys=False))
        assert check(tmp_path / "policies.yaml", built=True).problems, path


@pytest.mark.parametrize(
    ("schema", "path", "value", "problem"),
    [
        ("s", ("edition",), "1.0.0", "edition: '3.0.0' was expected"),
        ("s", ("resources",), {}, "resources: {} should be non-empty"),
        ("s", (*FUNCTION[:2], "component"), "fc", "component: 'fc3' was expected"),
        ("s", (*FUNCTION, "region"), "Hangzhou", "props.region: 'Hangzhou' does not match"),
        ("s", (*FUNCTION, "functionName"), "9 lives", "functionName: '9 lives' does not match"),
        ("s", (*FUNCTION, "memorySize"), 64, "memorySize: 64 is less than the minimum of 128"),
        ("s", (*FUNCTION, "memorySize"), 200, "memorySize: 200 is not a multiple of 64"),
        ("s", (*FUNCTION, "memorySize"), 32832, "is greater than the maximum of 32768"),
        ("s", (*FUNCTION, "cpu"), 0.01, "cpu: 0.01 is less than the minimum of 0.05"),
        ("s", (*FUNCTION, "cpu"), 17, "cpu: 17 is greater than the maximum of 16"),
        ("s", (*FUNCTION, "diskSize"), 1024, "diskSize: 1024 is not one of [512, 10240]"),
        ("s", (*FUNCTION, "timeout"), 0, "timeout: 0 is less than the minimum of 1"),
        ("s", (*FUNCTION, "timeout"), 86401, "timeout: 86401 is greater than"),
        ("s", (*FUNCTION, "instanceConcurrency"), 201, "instanceConcurrency: 201 is greater"),
        ("s", (*FUNCTION, "role"), "snapshots", "props.role: 'snapshots' does not match"),
        (
            "s",
            (*FUNCTION, "environmentVariables", "N"),
            1,
            "environmentVariables.N: is not of type 'string'",
        ),
        ("s", (*FUNCTION, "environmentVariables", "FC_X"), "1", "'FC_X' does not match"),
        ("s", (*FUNCTION, "logConfig"), "auto", "props.logConfig: 'auto' is not of type 'object'"),
        ("s", (*FUNCTION, "logConfig", "logBeginRule"), "x", "logBeginRule: 'x' is not one of"),
        ("s", (*FUNCTION, "asyncInvokeConfig", "maxAsyncRetryAttempts"), 9, "9 is greater than"),
        ("s", (*FUNCTION, "asyncInvokeConfig", "maxAsyncEventAgeInSeconds"), 0, "0 is less than"),
        ("s", (*FUNCTION, "asyncInvokeConfig", "qualifier"), "v1", "'LATEST' was expected"),
        ("s", (*FUNCTION, "vpc"), {}, "unknown key 'vpc': known are region, functionName"),
        ("s", (*TIMER, "triggerType"), "timers", "triggerType: 'timers' is not one of"),
        ("s", (*TIMER, "triggerType"), "http", "triggerType: 'http' is not one of"),
        ("s", (*TIMER, "triggerType"), "eventbridge", "unknown key 'cronExpression': known are"),
        ("s", (*TIMER, "triggerConfig", "enabled"), True, "unknown key 'enabled': known are cron"),
        ("s", (*TIMER, "triggerConfig"), {}, "triggerConfig.cronExpression: is required"),
        ("s", (*TIMER, "qualifier"), "LATESTS", "qualifier: 'LATEST' was expected"),
        ("s", (*RULE, "triggerConfig", "eventRuleFilterPattern"), {}, "is not of type 'string'"),
        (
            "s",
            (*RULE, "triggerConfig", "eventSourceConfig"),
            {},
            "eventSourceConfig.eventSourceType: is required",
        ),
        (
            "s",
            (*RULE, "triggerConfig", "eventSourceConfig", "eventSourceType"),
            "MNS",
            "eventSourceType: 'Default' was expected",
        ),
        ("s", (*FUNCTION[:2], "actions"), {"pre-deploys!": []}, "unknown key 'pre-deploys!'"),
        ("s", (*FUNCTION[:2], "actions"), {"pre-deploy": [{"runs": "x"}]}, "unknown key 'runs'"),
        ("template", ("Transform",), "x", "Transform: 'Aliyun::Serverless-2018-04-03' was"),
        ("template", (*SERVICE, "Type"), "Aliyun::Serverless::Log", "Serverless::Service' was"),
        ("template", (*SERVICE, "Properties"), {}, "Properties.Role: is required"),
        ("template", (*SERVICE, "Properties", "Policies"), [], "unknown key 'Policies'"),
        ("template", (*SERVICE, "Properties", "LogConfig"), "Auto", "'Auto' is not of type"),
        ("template", (*FUN_FUNCTION, "Properties", "MemorySize"), 100, "100 is less than"),
        ("template", (*FUN_FUNCTION, "Properties", "MemorySize"), 300, "300 is not a multiple"),
        ("template", (*FUN_FUNCTION, "Properties", "Timeout"), 100000, "100000 is greater than"),
        ("template", (*FUN_FUNCTION, "Properties", "Cpu"), 1, "unknown key 'Cpu'"),
        (
            "template",
            (*FUN_FUNCTION, "Properties", "AsyncConfiguration"),
            {"MaxAsyncRetryAttempts": 3},
            "AsyncConfiguration.Destination: is required",
        ),
        ("template", (*FUN_TIMER, "Type"), "EventBridge", "nightly.Type: 'Timer' was expected"),
        ("template", (*FUN_TIMER, "Type"), "OSS", "nightly.Type: 'Timer' was expected"),
        ("template", (*FUN_TIMER, "Properties"), {}, "Properties.CronExpression: is required"),
        ("template", (*FUN_TIMER, "Properties", "Cron"), "", "unknown key 'Cron'"),
    ],
)
def test_each_mistake_is_named(schema: str, path: Path_, value: object, problem: str) -> None:
    """Where it is, and what may stand there."""
    document = copy.deepcopy(DOCUMENTS[schema])
    at(document, path[:-1])[path[-1]] = value

    assert problem in found(schema, document)


@pytest.mark.parametrize(("schema", "key"), [("template", "CodeUri"), ("s", "code")])
def test_no_code_is_a_mistake(schema: str, key: str) -> None:
    """Fun deploys an empty function without it, and reports success."""
    document = copy.deepcopy(DOCUMENTS[schema])
    where = FUNCTION if schema == "s" else (*FUN_FUNCTION, "Properties")
    del at(document, where)[key]

    assert f"{key}: is required" in found(schema, document)


def test_commands_around_a_deployment_are_no_mistake() -> None:
    """Serverless Devs can build before it deploys."""
    document = copy.deepcopy(DOCUMENTS["s"])
    at(document, FUNCTION[:2])["actions"] = {"pre-deploy": [{"run": "make package", "path": "."}]}

    assert found("s", document) == ""


@pytest.mark.parametrize(
    ("load", "text", "problem"),
    [
        (load_fun, "a: 1\nb: 2\na: 3\n", "line 1: 'a': duplicate key"),
        (load_s, "resources: {x: 1, x: 2}\n", "'x': duplicate key"),
        (load_s, "resources: {x: '${vars.y}'}\n", "unknown variable"),
        (load_fun, "{", "cannot be read: ParserError"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, load: Any, text: str, problem: str) -> None:
    """A duplicate key would silently replace the first one."""
    path = tmp_path / "template"
    path.write_text(text)

    with pytest.raises(TemplateError, match=problem):
        load(path)


def test_templates_have_the_plain_values_of_yaml_1_2(tmp_path: Path) -> None:
    """As the tools read them; merge keys too, which both tools know."""
    path = tmp_path / "template"
    path.write_text(
        "x: &x {on: off, at: 22:30, day: 2026-03-01, n: [1e3, 0x1F, 0777, 1_000]}\n"
        "y: {<<: *x, at: 1}\n"
    )

    document = load_fun(path)

    values = {"on": "off", "at": "22:30", "day": "2026-03-01", "n": [1000, 31, 777, "1_000"]}
    assert document == {"x": values, "y": {**values, "at": 1}}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """`fun validate` has no objection to one."""
    with pytest.raises(TemplateError, match=r"template\.yml: cannot be read: FileNotFoundError"):
        load_fun(tmp_path / "template.yml")
