"""Whose code it is, whatever state the policy file is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Problems
from shared.policies.policy_file import load_policies
from shared.runtime.deployment import (
    FILE,
    ROOT,
    Identity,
    deployment_in,
    file_of,
    identity_of,
    version_in,
)
from shared.runtime.json_yaml import read_policies

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
MAIN = Identity(deployment="main", version="1.2.3")


@given(name=NAMES, indent=st.sampled_from([None, 1, 2]), first=st.booleans())
def test_the_deployment_is_found_in_a_good_file(
    name: str, indent: int | None, *, first: bool
) -> None:
    """As a package ships it, or a test writes it, whatever comes first in it."""
    rest = {"policies": [{"name": "deployment", "snapshot": {"tags": {"deployment": "other"}}}]}
    named = {"deployment": name}
    content = {**named, **rest} if first else {**rest, **named}

    assert deployment_in(json.dumps(content, indent=indent)) == name


@given(name=NAMES, cut=st.integers(0, 200))
def test_a_file_that_was_cut_names_its_own_deployment_or_none(name: str, cut: int) -> None:
    """Never a `deployment` in a policy's tags."""
    content = {"deployment": name, "policies": [{"snapshot": {"tags": {"deployment": "other"}}}]}
    text = json.dumps(content)

    assert deployment_in(text[: len(text) - cut]) in (name, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deployment: main\npolicies: [", "main"),
        ("# deployment: other\ndeployment: 'main' # this one\npolicies: nightly\n", "main"),
        ('"deployment": "main"\r\npolicies: []\r\n', "main"),
        ("policies:\n  - snapshot:\n      tags: {deployment: other}\ndeployment: main\n", "main"),
        ('{"deployment": "main", "policies": [', "main"),
        ('{\n  "policies": [],\n  "deployment": "main",\n}', "main"),
        ("deployment: main\ndeployment: other\n", ""),
        ('{"a": {"deployment": "one"}, "b": {"deployment": "two"', ""),
        ("deployment: Main Street\npolicies: []\n", ""),
        ("deployment: main street\n", ""),
        ("deployment: mai", ""),
        ('{"deployment": "mai', ""),
        ("deployment: 'main\"\n", ""),
        ('{"deployment": 5}', ""),
        ('{"deployment": "Main"}', ""),
        ("my-deployment: main\n", ""),
        ("policies: []\n", ""),
        ("[", ""),
        ("[" * 100_000, ""),
        ("", ""),
    ],
)
def test_of_a_broken_file_only_what_is_certain_counts(text: str, expected: str) -> None:
    """It is YAML, of which nothing that ships reads a line."""
    assert deployment_in(text) == expected


@given(text=st.text() | st.text("{}[]:\"'deploymnta- \n"))
def test_whatever_a_file_holds_it_names_a_deployment_or_none(text: str) -> None:
    """Every invocation begins with it."""
    assert deployment_in(text) == "" or deployment_in(text) in text


def test_a_packages_file_comes_back(tmp_path: Path) -> None:
    """What the package step writes is what a function reads, whatever the policies hold."""
    (tmp_path / FILE).write_text(file_of(MAIN))
    policies = tmp_path / "policies.json"

    for content in ("{", "", '{"deployment": 5}', '{"deployment": "main"}'):
        policies.write_text(content)
        assert identity_of(policies, tmp_path) == MAIN
    policies.unlink()
    assert identity_of(policies, tmp_path) == MAIN


def test_another_policy_file_has_the_first_word(tmp_path: Path) -> None:
    """POLICIES_FILE: its runs are its deployment's; the package's own holds where it is broken."""
    (tmp_path / FILE).write_text(file_of(MAIN))
    other = tmp_path / "elsewhere" / "policies.json"
    other.parent.mkdir()

    assert identity_of(other, tmp_path) == MAIN
    other.write_text('{"deployment": "other", "policies": [')
    assert identity_of(other, tmp_path) == Identity(deployment="other", version="1.2.3")
    other.write_text("[")
    assert identity_of(other, tmp_path) == MAIN


@pytest.mark.parametrize("spoilt", ["{", "[]", '{"deployment": 5, "version": null}', ""])
def test_a_packages_file_that_is_spoilt_is_none(tmp_path: Path, spoilt: str) -> None:
    """It stops no invocation."""
    (tmp_path / FILE).write_text(spoilt)

    assert identity_of(tmp_path / "policies.json", tmp_path) == Identity()


def test_a_checkout_has_the_deployment_of_its_policies_and_the_projects_version() -> None:
    """As what reads the whole file has it."""
    path = ROOT / "policies.yaml"
    found = identity_of(path)

    assert found.deployment == load_policies(read_policies(path, Problems())).deployment
    assert found.version == version_in((ROOT / "pyproject.toml").read_text()) != ""
