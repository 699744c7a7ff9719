"""The JSON Schema that editors use for `deployment.yaml` is made from the loader's rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from cli.deployment.file import read_deployment
from cli.deployment.keys import FILE
from cli.deployment.schema import COMMAND, PATH, schema_text
from shared.errors import Problems
from shared.policies.section import Key, Section
from tests.cli.deployment.test_file import EVERYTHING
from tests.shipped import ROOT

SCHEMA = json.loads(PATH.read_text())


def keys_of(section: Section, path: str = "") -> Iterator[tuple[str, Key]]:
    for name, key in section.keys.items():
        yield f"{path}{name}", key
        if isinstance(key.rule, Section):
            yield from keys_of(key.rule, f"{path}{name}.")


def is_good(content: Any) -> bool:
    return not list(Draft7Validator(SCHEMA).iter_errors(content))


def test_the_schema_is_made_from_the_rules_and_the_file_points_at_it() -> None:
    """Each rule is written once."""
    Draft7Validator.check_schema(SCHEMA)

    assert PATH.read_text(encoding="utf-8") == schema_text(), f"run {COMMAND}"
    first = (ROOT / "deployment.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=deployment.schema.json"
    assert is_good(yaml.safe_load((ROOT / "deployment.yaml").read_text()))
    assert is_good(yaml.safe_load(EVERYTHING))


@pytest.mark.parametrize(("path", "key"), [*keys_of(FILE)])
def test_each_key_is_described_with_examples_that_are_good_to_both(path: str, key: Key) -> None:
    """The documents show them."""
    place: Any = SCHEMA
    for name in path.split("."):
        place = place["properties"][name]
    problems = Problems()

    assert place["description"] == key.description
    for example in place["examples"]:
        assert not [*Draft7Validator(SCHEMA).evolve(schema=place).iter_errors(example)], example
        key.rule.read(example, path, problems)
    assert [*problems] == []


WRONG = [
    "region: Hangzhou",
    "region: 7",
    "regions: cn-hangzhou",
    "{region: cn-hangzhou, account_id: 7}",
    "{region: cn-hangzhou, account_id: x}",
    "{region: cn-hangzhou, tools: []}",
    "{region: cn-hangzhou, tools: [x]}",
    "{region: cn-hangzhou, log: {retention_days: 0}}",
    "{region: cn-hangzhou, log: {project: A}}",
    "{region: cn-hangzhou, functions: {all: {memory_mb: 100}}}",
    "{region: cn-hangzhou, functions: {all: {memory_mb: null, cpu: 17}}}",
    "{region: cn-hangzhou, functions: {other: {}}}",
    "{region: cn-hangzhou, functions: {all: {vpc: {vpc_id: vpc-1}}}}",
    "{region: cn-hangzhou, functions: {all: {environment: {FC_A: x}}}}",
    "{region: cn-hangzhou, functions: {all: {environment: {A: 1}}}}",
    "{region: cn-hangzhou, hosts: {ecs: {}}}",
    "{region: cn-hangzhou, hosts: {ecs: 'http://a'}}",
    "{region: cn-hangzhou, notify: {mail: []}}",
    "{region: cn-hangzhou, notify: {language: de}}",
    "{region: cn-hangzhou, notify: {slack: {secret: '${env(A)}'}}}",
    "{region: cn-hangzhou, queue: a_b}",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_wrong_to_both(tmp_path: Path, text: str) -> None:
    """A mistake that the loader rejects is underlined in the editor already."""
    (tmp_path / "deployment.yaml").write_text(text)

    assert not is_good(yaml.safe_load(text))
    assert read_deployment(tmp_path / "deployment.yaml").problems
