"""A template as text: YAML that a person can read, under a header that says where it is from."""

from __future__ import annotations

import re
from typing import Any

import yaml

WRITTEN_BY = "Written by `make templates` from policies.yaml and deployment.yaml; never edit it."


def template_text(document: dict[str, Any], about: str) -> str:
    """
    Return the text of a template.

    Args:
        document: Its content as plain values, in the order in which it is written.
        about: What it is for; one or more lines.

    """
    head = "".join(f"# {line}\n" for line in f"{about}.\n{WRITTEN_BY}".splitlines())
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)
    settings, key, resources = re.split(r"(?m)^([Rr]esources:\n)", body)
    return f"{head}{settings}{key}{_RESOURCE.sub(_APART, resources)}"


_RESOURCE, _APART = re.compile(r"\n(?=  \S)"), "\n\n"


class _Dumper(yaml.SafeDumper):
    """Indents the items of lists, and writes each value out instead of referring to another."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's own signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - as above
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Write a text of several lines as it is."""
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
