"""Where things stand in a YAML file, by the paths that problems have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.yaml_lines import Lines, file_line

TEXT = b"""\
deployment: main
policies:
  - name: a
    on: { timer: nightly }
    where:
      data.state: Stopped
      data:
        deep: 1
  - &second
    name: b
    select:
      tags:
        acs:x.y: [1, 2]
  - *second
vars:
  log:
    project: p
props:
  logConfig: ${vars.log}
"""


PARTS = st.sampled_from(
    ["policies", "where", "data", "state", "name", ".", "[0]", "[1]", "[9]", "[", "]", "acs:x"]
)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("deployment", 1),
        ("policies", 2),
        ("policies[0]", 3),
        ("policies[0].name", 3),
        ("policies[0].on.timer", 4),
        ("policies[0].where.data.state", 6),
        ("policies[0].where.data.deep", 8),
        ("policies[1].select.tags.acs:x.y", 13),
        ("policies[1].select.tags.acs:x.y[1]", 13),
        ("policies[1].snapshot.retention_days", 9),
        ("policies[2].select", 11),
        ("policies[7].name", 2),
        ("props.logConfig.project", 17),
        ("no.such.path", None),
        ("", None),
    ],
)
def test_the_line_is_that_of_what_is_there(path: str, line: int | None) -> None:
    """Of a key that is missing it is that of what it is missing in."""
    assert Lines(TEXT).at_text(path) == line


@given(text=st.binary(max_size=60), path=st.text(max_size=30))
def test_whatever_the_file_and_the_path_are_nothing_is_raised(text: bytes, path: str) -> None:
    """Other modules report what is wrong with a file."""
    line = Lines(text).at_text(path)

    assert line is None or line >= 1


@given(path=st.lists(PARTS, max_size=6).map("".join))
def test_whatever_a_path_is_it_has_a_line_of_the_file_or_none(path: str) -> None:
    """Also one with brackets and full stops in its keys."""
    line = Lines(TEXT).at_text(path)

    assert line is None or 1 <= line <= TEXT.count(b"\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: }\nc: 2\n", 2),
        ("a: 1\n\tb: 1\n", 2),
        ("a: 1\n---\nb: 1\n", 2),
        ("a: 1\nb: *nobody\n", 2),
        ("# 中中中\na: \x01\n", 2),
        ("# 中\n\na: ä\n".encode("latin-1", "ignore"), 3),
        ("a: ä\n# 中\n".encode() + b"b: \xff\n", 3),
        (b"\xff\xfe\x01\x00", 1),
        ("[" * 3_000, None),
        ("a: 1\n", None),
    ],
)
def test_of_what_is_no_yaml_the_line_is_known_where_it_ceases_to_be(
    text: str | bytes, line: int | None
) -> None:
    """Whether it cannot be decoded, read or parsed."""
    lines = Lines(text if isinstance(text, bytes) else text.encode())

    assert (lines.broken_at, lines.at_text("a")) == (line, 1 if text == "a: 1\n" else None)


def test_a_place_without_a_line_is_the_file() -> None:
    """A file that could not be read has none."""
    assert file_line("policies.yaml", None) == "policies.yaml"
    assert file_line("policies.yaml", 7) == "policies.yaml line 7"
