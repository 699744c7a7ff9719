"""Settings: a clear meaning is accepted, anything else rejected, and no value is shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Problems
from shared.runtime.settings import (
    LOG_LEVELS,
    VARIABLES,
    Settings,
    address_of,
    is_loopback,
    settings_of,
)
from tests.unit.builders import REGION

BLANKS = st.text(" \t\n", max_size=3)
LABELS = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=2, max_size=5).map(".".join)


def read(**env: str) -> tuple[Settings, list[str], list[str]]:
    """Read variables; return the settings, and the names with a problem and with a remark."""
    problems, remarks = Problems(), Problems()
    settings = settings_of(env, region=REGION, problems=problems, remarks=remarks)
    return settings, [one.path for one in problems], [one.path for one in remarks]


def any_case(draw: Any, text: str) -> str:
    flags = draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    cased = (c.upper() if up else c.lower() for c, up in zip(text, flags, strict=True))
    return "".join(cased)


@given(data=st.data(), word=st.sampled_from(["", "false", "0", "no", "off"]))
def test_what_denies_a_pause_does_not_pause(data: st.DataObject, word: str) -> None:
    """N5: in any case, with any blanks around it."""
    value = data.draw(BLANKS) + any_case(data.draw, word) + data.draw(BLANKS)
    settings, problems, remarks = read(SNAPSHOTS_PAUSED=value)

    assert not settings.paused
    assert problems == []
    assert ("SNAPSHOTS_PAUSED" in remarks) == bool(value)


@given(value=st.text(min_size=1))
def test_anything_else_pauses(value: str) -> None:
    """The emergency stop has no wrong spelling."""
    denies = value.strip().casefold() in ("", "false", "0", "no", "off")

    assert read(SNAPSHOTS_PAUSED=value)[0].paused is not denies
    assert read(SNAPSHOTS_PAUSED=value)[1] == []


@given(data=st.data(), level=st.sampled_from(LOG_LEVELS))
def test_a_level_may_be_in_any_case(data: st.DataObject, level: str) -> None:
    """N5: `debug` is DEBUG, and `check` reports how to write it."""
    value = data.draw(BLANKS) + any_case(data.draw, level) + data.draw(BLANKS)
    settings, problems, remarks = read(LOG_LEVEL=value)

    assert settings.log_level == level
    assert problems == []
    assert (remarks == []) == (value == level)


@pytest.mark.parametrize(("value", "level"), [("warn", "WARNING"), ("Fatal", "CRITICAL")])
def test_pythons_other_names_of_levels_are_levels(value: str, level: str) -> None:
    """`logging.WARN`, `logging.FATAL`."""
    assert read(LOG_LEVEL=value)[0].log_level == level


@pytest.mark.parametrize("name", ["FC_API", "SNAPSHOTS_FC_API"])
@pytest.mark.parametrize(
    ("value", "api"),
    [
        ("3", "3.0"), ("2", "2.0"), (" 3.0\n", "3.0"), ("v3", "3.0"), ("V2.0", "2.0"),
        ("3.0.0", "3.0"), ("FC3", "3.0"), ("fc 2.0", "2.0"),
    ],
)  # fmt: skip
def test_an_api_is_known_by_its_number(name: str, value: str, api: str) -> None:
    """N5: it has only one meaning."""
    settings, problems, remarks = read(**{name: value})

    assert settings.fc_api == api
    assert problems == []
    assert set(remarks) == {name}


def test_a_variable_that_is_blank_is_not_set() -> None:
    """The second name counts, then."""
    assert read(FC_API=" ", SNAPSHOTS_FC_API="2.0")[0].fc_api == "2.0"
    settings = read(FC_ENDPOINT="", SNAPSHOTS_FC_ENDPOINT="fcv3-vpc.cn-hangzhou.aliyuncs.com")[0]
    assert settings.fc_endpoint == "https://fcv3-vpc.cn-hangzhou.aliyuncs.com"


@given(host=HOSTS, port=st.none() | st.integers(0, 65535), scheme=st.sampled_from(["", "https://"]))
def test_every_host_may_be_named_and_is_reached_by_https(
    host: str, port: int | None, scheme: str
) -> None:
    """N1: regional and VPC endpoints, with a scheme and without."""
    place = host if port is None else f"{host}:{port}"

    assert address_of(f" {scheme}{place}/") == f"https://{place}"
    assert address_of(f"{scheme}{place}".upper()) == f"https://{place}"
    assert address_of(f"http://{place}") == (
        f"http://{place}" if is_loopback(f"http://{place}") else None
    )


@given(text=st.text())
def test_whatever_it_is_no_credentials_travel_in_the_clear(text: str) -> None:
    """https, or http on loopback; and what is an address stays the same one."""
    address = address_of(text)

    if address is not None:
        assert address.startswith("https://") or is_loopback(address)
        assert address_of(address) == address
        assert "@" not in address


@pytest.mark.parametrize(
    "value",
    [
        "true", "none", "ecs", "https://", "https:/ecs.example", "ftp://ecs.example",
        "https://ecs.example/path", "https://ecs.example?x=1", "https://a:b@ecs.example",
        "https://ecs..example", "https://-ecs.example", "https://ecs.example:99999",
        "https://ecs.example:", "https://ecs.example,https://ecs.example.com", "ecs example",
    ],
)  # fmt: skip
def test_what_is_no_host_is_rejected(value: str) -> None:
    """L2: it would be found out only when a call fails."""
    assert read(SLS_ENDPOINT=value)[1] == ["SLS_ENDPOINT"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ecs-vpc.cn-hangzhou.aliyuncs.com", {REGION: "https://ecs-vpc.cn-hangzhou.aliyuncs.com"}),
        (
            "cn-beijing = ecs.cn-beijing.aliyuncs.com , CN-SHANGHAI=http://localhost:2/ ,",
            {
                "cn-beijing": "https://ecs.cn-beijing.aliyuncs.com",
                "cn-shanghai": "http://localhost:2",
            },
        ),
    ],
)
def test_hosts_by_region(value: str, expected: dict[str, str]) -> None:
    """ECS_ENDPOINT: each entry of a list may be slightly off, too."""
    settings, problems, _ = read(ECS_ENDPOINT=value)

    assert settings.ecs_endpoints == expected
    assert problems == []


@pytest.mark.parametrize(
    "value",
    ["a=b", "=ecs.example", "cn-hangzhou=ecs.example,ecs.example.com", "cn-beijing=ecs.example=x"],
)
def test_hosts_by_region_that_are_none(value: str) -> None:
    """No region, no host, or two hosts for one region."""
    assert set(read(ECS_ENDPOINT=value)[1]) == {"ECS_ENDPOINT"}


@pytest.mark.parametrize(
    ("api", "value", "expected"),
    [
        ("2.0", "", ("snapshot-on-schedule", "snapshot_on_schedule")),
        ("2.0", " main-night/on_schedule ", ("main-night", "on_schedule")),
        ("3.0", "", ("", "snapshot_on_schedule")),
        ("3.0", "main_on-schedule", ("", "main_on-schedule")),
        ("", "anything/at all", ("", "snapshot_on_schedule")),
    ],
)
def test_a_function_is_called_as_it_is_deployed(
    api: str, value: str, expected: tuple[str, str]
) -> None:
    """By default as in the templates; without an API nothing is started, so no name is wrong."""
    settings, problems, _ = read(FC_API=api, SNAPSHOTS_ON_SCHEDULE_FUNCTION=value)

    assert settings.functions["snapshot_on_schedule"] == expected
    assert problems == []


@pytest.mark.parametrize(
    ("api", "value"),
    [
        ("2.0", "on_schedule"),
        ("2.0", "a/b/c"),
        ("2.0", "/b"),
        ("2.0", "a/"),
        ("3.0", "a/b"),
        ("3.0", "1a"),
        ("3.0", "a b"),
        ("3.0", "x" * 129),
    ],
)
def test_a_name_that_the_api_cannot_have_is_a_problem(api: str, value: str) -> None:
    """Of one function; the other has its own."""
    _, problems, _ = read(FC_API=api, SNAPSHOTS_ON_EVENT_FUNCTION=value)

    assert problems == ["SNAPSHOTS_ON_EVENT_FUNCTION"]


def test_the_project_in_front_of_a_host_is_left_out() -> None:
    """As the console shows it; the client puts it there by itself."""
    host = "cn-hangzhou-intranet.log.aliyuncs.com"
    settings, problems, remarks = read(SLS_ENDPOINT=f"records.{host}", SLS_PROJECT="records")

    assert settings.sls_endpoint == f"https://{host}"
    assert (problems, remarks) == ([], ["SLS_ENDPOINT"])
    assert read(SLS_ENDPOINT=host, SLS_PROJECT="records")[0].sls_endpoint == f"https://{host}"
    assert read(SLS_ENDPOINT=host)[0].sls_endpoint == f"https://{host}"


@given(
    env=st.dictionaries(
        st.sampled_from(VARIABLES), st.from_regex(r"[A-Z ]{0,3}hunter2[^\W_]{1,9}", fullmatch=True)
    )
)
def test_no_value_is_ever_shown(env: dict[str, str]) -> None:
    """It may be a secret that was pasted at the wrong place."""
    problems, remarks = Problems(), Problems()
    settings_of(env, region=REGION, problems=problems, remarks=remarks)

    assert not any("hunter2" in str(one) for one in (*problems, *remarks))


def test_an_address_with_a_query_is_no_regions() -> None:
    """The part before its `=` is reported as invalid, and not checked further."""
    settings, wrong, _ = read(ECS_ENDPOINT="https://ecs.cn-hangzhou.aliyuncs.com/path?x=1")

    assert set(wrong) == {"ECS_ENDPOINT"}
    assert settings.ecs_endpoints == {}
