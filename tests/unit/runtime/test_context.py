"""What differs between Function Compute's runtimes ends here."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidSettingsError
from shared.runtime.clock import SYSTEM_CLOCK, parse_instant, utc
from shared.runtime.context import (
    MAX_READ_TIMEOUT_S,
    FunctionName,
    LogTarget,
    Runtime,
    runtime_of,
)
from tests.clocks import NOON, FakeClock
from tests.unit.builders import ACCOUNT_ID, REGION, at

FLUSH_S = 10.0
"""What a failing SLS may cost a run (the issue's promise)."""


def python310(*, timeout: object = 600, **about: Any) -> Any:
    """The context of Python 3.10: everything is on it."""
    return SimpleNamespace(
        **{
            "request_id": "R-1",
            "region": REGION,
            "account_id": ACCOUNT_ID,
            "credentials": SimpleNamespace(
                access_key_id="ctx-id", access_key_secret="ctx-secret", security_token="ctx-token"
            ),
            "function": SimpleNamespace(name="f", timeout=timeout),
            "service": SimpleNamespace(log_project="p", log_store="l"),
            **about,
        }
    )


def python312(**about: Any) -> Any:
    """The context of Python 3.12: no credentials, and the log store elsewhere."""
    return SimpleNamespace(
        request_id="R-1",
        function=SimpleNamespace(name="f", timeout=600),
        **{"log_project": "p", "log_store": "l", **about},
    )


ENV = {
    "FC_REGION": "cn-beijing",
    "FC_ACCOUNT_ID": "42",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "env-token",
}


def runtime(context: Any = None, **env: str) -> Runtime:
    return runtime_of("fn", context or python310(), clock=FakeClock(), env=env)


def problems_of(context: Any, **env: str) -> list[str]:
    with pytest.raises(InvalidSettingsError) as caught:
        runtime(context, **env)
    return [problem.path for problem in caught.value.problems]


# --- where it runs -------------------------------------------------------------------------------


def test_python_310_has_everything_on_its_context() -> None:
    """Function Compute, "Context": credentials, region, account, log store."""
    made = runtime()

    assert (made.function, made.request_id) == ("fn", "R-1")
    assert (made.region, made.account_id) == (REGION, ACCOUNT_ID)
    assert made.credentials.access_key_id == "ctx-id"
    assert made.credentials.access_key_secret == "ctx-secret"
    assert made.credentials.security_token == "ctx-token"
    assert made.log_target == LogTarget(
        endpoint=f"https://{REGION}.log.aliyuncs.com", project="p", logstore="l"
    )
    assert not made.paused


def test_python_312_has_it_in_the_environment() -> None:
    """Function Compute, "Context": the role's credentials and the region are variables."""
    made = runtime(python312(), **ENV)

    assert (made.region, made.account_id) == ("cn-beijing", "42")
    assert made.credentials.access_key_id == "env-id"
    assert made.credentials.security_token == "env-token"
    assert made.log_target is not None
    assert (made.log_target.project, made.log_target.logstore) == ("p", "l")


def test_everything_that_is_missing_is_named() -> None:
    """L2: all problems at once, by the name of the variable to set."""
    assert problems_of(SimpleNamespace()) == [
        "FC_REGION",
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    ]


def test_the_roles_credentials_come_before_a_plain_key_pair() -> None:
    """Environment with a token, then the context, then a key pair without one."""
    plain = {key: ENV[key] for key in ENV if "TOKEN" not in key}

    assert runtime(python310(), **ENV).credentials.access_key_id == "env-id"
    assert runtime(python310(), **plain).credentials.access_key_id == "ctx-id"
    assert runtime(python312(), **plain).credentials.access_key_id == "env-id"
    assert runtime(python312(), **plain).credentials.security_token is None


def test_credentials_are_never_shown() -> None:
    """A runtime that ends in a traceback or a log takes no secret along."""
    shown = repr(runtime())

    assert "ctx-id" in shown
    assert "ctx-secret" not in shown
    assert "ctx-token" not in shown


def test_records_go_to_stdout_where_no_log_store_is_named() -> None:
    """Function Compute keeps stdout; half a name is a mistake."""
    nowhere = python310(service=SimpleNamespace(log_project=None, log_store=None))

    assert runtime(nowhere).log_target is None
    assert problems_of(nowhere, SLS_PROJECT="p") == ["SLS_LOGSTORE"]
    assert problems_of(nowhere, SLS_LOGSTORE="l") == ["SLS_PROJECT"]


def test_the_environment_names_where_records_go() -> None:
    """SLS_PROJECT and SLS_LOGSTORE before the function's log configuration."""
    made = runtime(SLS_PROJECT="mine", SLS_LOGSTORE="mine-too", SLS_ENDPOINT="https://sls.example")

    assert made.log_target == LogTarget(
        endpoint="https://sls.example", project="mine", logstore="mine-too"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", {}),
        ("http://127.0.0.1:8001", {REGION: "http://127.0.0.1:8001"}),
        (
            "cn-beijing=http://127.0.0.1:1, cn-shanghai=http://localhost:2",
            {"cn-beijing": "http://127.0.0.1:1", "cn-shanghai": "http://localhost:2"},
        ),
        ("https://ecs.example", {REGION: "https://ecs.example"}),
    ],
)
def test_a_local_cloud_has_an_address_for_each_region(value: str, expected: dict[str, str]) -> None:
    """ECS_ENDPOINT: one address for the function's own region, or one for each."""
    assert runtime(ECS_ENDPOINT=value).ecs_endpoints == expected


@pytest.mark.parametrize("name", ["ECS_ENDPOINT", "SLS_ENDPOINT", "FC_ENDPOINT"])
@pytest.mark.parametrize(
    "address",
    [
        "http://ecs.example",
        "http://127.0.0.1.example",
        "http://127.0.0.1@example",
        "http://localhost.example:80",
        "http://ecs.example/",
        "ftp://127.0.0.1",
        "https://",
        "http://[::1]:9000",
    ],
)
def test_credentials_never_travel_in_the_clear(name: str, address: str) -> None:
    """https, or http on loopback."""
    assert problems_of(python310(), **{name: address}) == [name]


def test_an_address_belongs_to_a_region() -> None:
    """`=http://…` names none, and would silently mean the real cloud."""
    with pytest.raises(InvalidSettingsError, match="must begin with the id of a region"):
        runtime(ECS_ENDPOINT="=http://127.0.0.1:1")


@pytest.mark.parametrize("variable", ["FC_API", "SNAPSHOTS_FC_API"])
@pytest.mark.parametrize(("api", "service"), [("2.0", "s"), ("3.0", "")])
def test_a_function_knows_what_fc_calls_it(variable: str, api: str, service: str) -> None:
    """The API and the context: on FC 3.0 there are no services, whatever the context contains."""
    context = python310(service=SimpleNamespace(name="s", log_project="p", log_store="l"))
    made = runtime(context, **{variable: api})

    assert made.fc_api == api
    assert made.fc_function == FunctionName(service=service, name="f")
    assert made.fc_endpoint is None
    assert runtime(context, FC_API=api, FC_ENDPOINT="http://127.0.0.1:1").fc_endpoint == (
        "http://127.0.0.1:1"
    )


def test_without_an_api_everything_but_continuing_works() -> None:
    """The context does not show the API; a service without a name is no problem yet."""
    made = runtime(FC_API="")

    assert made.fc_api is None
    assert made.fc_function == FunctionName(service="", name="f")
    assert runtime(SimpleNamespace(), **ENV).fc_function == FunctionName(service="", name="")


@pytest.mark.parametrize("api", ["1.0", "4", "3.1", "23", "2.0 or 3.0", "latest"])
def test_an_api_that_does_not_exist_is_a_problem(api: str) -> None:
    """L2: a wrong setting is named at once, not when the time is up."""
    assert problems_of(python310(), FC_API=api) == ["FC_API"]
    assert problems_of(python310(), SNAPSHOTS_FC_API=api) == ["SNAPSHOTS_FC_API"]


def test_libraries_log_warnings_by_default() -> None:
    """LOG_LEVEL: a level's name, in any case."""
    assert runtime().log_level == "WARNING"
    assert runtime(LOG_LEVEL="DEBUG").log_level == "DEBUG"
    assert runtime(LOG_LEVEL=" debug").log_level == "DEBUG"
    for level in ("10", "LOUD"):
        assert problems_of(python310(), LOG_LEVEL=level) == ["LOG_LEVEL"]


def test_a_pause_is_any_value_but_those_that_deny_it() -> None:
    """N5: the emergency stop accepts any spelling of a yes, and "false" is a no."""
    assert runtime(SNAPSHOTS_PAUSED="since friday").paused
    assert not runtime(SNAPSHOTS_PAUSED="False").paused
    assert not runtime(SNAPSHOTS_PAUSED="").paused


def test_policies_are_where_the_code_is() -> None:
    """POLICIES_FILE overrides it."""
    assert runtime().policies_path.parent == Path(__file__).parent.parent.parent.parent
    assert runtime(POLICIES_FILE="/x/y.yaml").policies_path == Path("/x/y.yaml")


# --- how long --------------------------------------------------------------------------------


def test_the_deadline_counts_in_seconds_from_now() -> None:
    """L8: the context's timeout is in seconds, and so is the clock."""
    clock = FakeClock()
    clock.advance(1000)

    late = runtime_of("fn", python310(timeout=600), clock=clock, env={})

    assert late.deadline == 1000 + 600 - 45
    assert runtime(python310(timeout=60)).deadline == 60 - 15
    assert runtime(python310(timeout="60")).deadline == 60 - 15


@pytest.mark.parametrize("timeout", [None, 0])
def test_a_function_that_does_not_know_its_time_has_a_minute(timeout: object) -> None:
    """FC's own default is shorter than a configured timeout usually is; a minute is safe here."""
    assert runtime(python310(timeout=timeout)).deadline == 45


@given(timeout=st.integers(1, 86_400))
def test_the_time_that_is_kept_covers_what_must_come_after_the_deadline(timeout: int) -> None:
    """L11: a call in flight ends, and long functions have the flush's time besides."""
    made = runtime(python310(timeout=timeout))
    reserve_s = timeout - made.deadline

    assert 0 < made.deadline < timeout
    assert 0 < made.read_timeout_s <= MAX_READ_TIMEOUT_S
    assert 2 * made.read_timeout_s < reserve_s
    if timeout >= 120:
        assert made.read_timeout_s + FLUSH_S < reserve_s


@given(timeout=st.integers(1, 86_400))
def test_everything_is_out_a_second_before_the_function_is_ended(timeout: int) -> None:
    """L7, L11: FC kills at the limit, and what is left then is lost. A tenth of a short one."""
    made = runtime(python310(timeout=timeout))

    assert timeout - made.ends == pytest.approx(min(1.0, timeout / 10))
    assert made.deadline < made.ends


# --- instants --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00"),
        ("2026-03-01T12:00Z", "2026-03-01T12:00:00"),
        ("2026-03-01T20:00:00+08:00", "2026-03-01T12:00:00"),
        ("2026-03-01T20:00:00+0800", "2026-03-01T12:00:00"),
        ("2026-03-01T06:30:00-05:30", "2026-03-01T12:00:00"),
        ("2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.500000"),
        ("2026-03-01T12:00:00.125Z", "2026-03-01T12:00:00.125000"),
        ("2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.123456"),
    ],
)
def test_an_instant_is_read_in_all_forms_that_were_seen(text: str, expected: str) -> None:
    """EventBridge's `time` and FC's `triggerTime`, with Z, an offset and any fraction."""
    assert parse_instant(text) == at(expected).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00",
        "2026-03-01",
        "2026-13-01T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:00:00+24:00",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00PRC",
        "2026-03-01T12:00:00Asia/Shanghai",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-08:00",
        "2026-03-01T12:00:00Z\n",
        "\uff12026-03-01T12:00:00Z",
        "",
        None,
        1_772_366_400,
        ["2026-03-01T12:00:00Z"],
    ],
)
def test_what_names_no_moment_is_none(text: object) -> None:
    """A time without a zone is rejected."""
    assert parse_instant(text) is None


@given(text=st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"))
def test_whatever_text_it_is_there_is_a_moment_or_none(text: str) -> None:
    """Never an exception, and always UTC."""
    moment = parse_instant(text)

    assert moment is None or moment.tzinfo is timezone.utc


@given(
    moment=st.datetimes(at("1970-01-02"), at("2100-01-01"), timezones=st.just(timezone.utc)),
    hours=st.integers(-12, 14),
)
def test_a_moment_is_written_and_read_back_whatever_its_zone(moment: datetime, hours: int) -> None:
    """D7: one moment, one text, in UTC."""
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))

    assert utc(elsewhere) == utc(moment)
    assert utc(moment).endswith("Z")
    assert parse_instant(utc(moment)) == moment


def test_the_machines_clock_is_aware_and_moves() -> None:
    """Every instant is an aware UTC datetime."""
    before, now = SYSTEM_CLOCK.monotonic(), SYSTEM_CLOCK.now()

    assert now.tzinfo is timezone.utc
    assert now > NOON - timedelta(days=3650)
    assert SYSTEM_CLOCK.monotonic() >= before
    assert 0 <= SYSTEM_CLOCK.random() < 1
