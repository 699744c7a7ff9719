"""The rules of CreateSnapshot's parameters, each at both edges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Problems
from shared.policies.policy_file import direct_policy
from shared.rules import Text
from shared.validation import (
    CLIENT_TOKEN,
    DESCRIPTION,
    RETENTION_DAYS,
    SNAPSHOT_NAME,
    SNAPSHOT_TAGS,
    TAG_KEY,
    TAG_VALUE,
)
from tests.unit.builders import found

# --- SnapshotName ----------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2, 128])
def test_a_name_may_be_2_to_128_characters_long(length: int) -> None:
    """SnapshotName: 2 to 128 characters, both included."""
    assert found(SNAPSHOT_NAME.read, "n" * length) == []


@pytest.mark.parametrize("length", [0, 1, 129])
def test_a_name_of_another_length_is_rejected(length: int) -> None:
    """SnapshotName: 2 to 128 characters."""
    assert found(SNAPSHOT_NAME.read, "n" * length) == ["must be 2 to 128 characters long"]


@pytest.mark.parametrize("name", ["ab", "Zz", "a:b_c-d", "a1", "n-" + "9" * 100])
def test_a_name_takes_letters_digits_and_three_signs(name: str) -> None:
    """SnapshotName: letters, digits, ':', '_' and '-', a letter first."""
    assert found(SNAPSHOT_NAME.read, name) == []


@pytest.mark.parametrize("name", ["1a", "-a", "_a", ":a"])
def test_a_name_starts_with_a_letter(name: str) -> None:
    """SnapshotName: must start with a letter."""
    assert len(found(SNAPSHOT_NAME.read, name)) == 1


@pytest.mark.parametrize("sign", [*" .,/@+#~%?=\n\0", "é", "名", "\uff11"])
def test_a_name_takes_no_other_character(sign: str) -> None:
    """SnapshotName: what the specification does not list is rejected, at the end too."""
    assert len(found(SNAPSHOT_NAME.read, f"ab{sign}")) == 1
    assert len(found(SNAPSHOT_NAME.read, f"ab{sign}c")) == 1


@pytest.mark.parametrize("name", ["http://a", "https://a"])
def test_a_name_is_no_address(name: str) -> None:
    """SnapshotName: must not start with http:// or https://; no slash may be in it at all."""
    assert found(SNAPSHOT_NAME.read, name) == [
        "must start with a letter and contain only letters, digits, ':', '_', '-'"
    ]


@pytest.mark.parametrize("name", ["http", "https-mirror", "http:a"])
def test_a_name_may_start_like_an_address(name: str) -> None:
    """SnapshotName: only the whole prefix is rejected."""
    assert found(SNAPSHOT_NAME.read, name) == []


@pytest.mark.parametrize("name", ["auto", "automatic-1", "auto-d-1"])
def test_a_name_does_not_start_with_auto(name: str) -> None:
    """SnapshotName: names that start with auto are taken for automatic snapshots."""
    assert found(SNAPSHOT_NAME.read, name) == [
        "must not start with 'auto', which marks automatic snapshots"
    ]


@pytest.mark.parametrize("name", ["aut", "Auto", "my-auto"])
def test_a_name_may_hold_auto_elsewhere(name: str) -> None:
    """SnapshotName: the rule is about the start, as it is written."""
    assert found(SNAPSHOT_NAME.read, name) == []


# --- Description -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["ab", "x" * 256, "any sign at all: 名 é /", "see http://a.b"])
def test_a_description_may_be_2_to_256_of_any_characters(text: str) -> None:
    """Description: 2 to 256 characters, an address anywhere but at its start."""
    assert found(DESCRIPTION.read, text) == []


@pytest.mark.parametrize("length", [0, 1, 257])
def test_a_description_of_another_length_is_rejected(length: int) -> None:
    """Description: 2 to 256 characters."""
    assert found(DESCRIPTION.read, "x" * length) == ["must be 2 to 256 characters long"]


@pytest.mark.parametrize("text", ["http://a", "https://a"])
def test_a_description_does_not_start_with_an_address(text: str) -> None:
    """Description: must not start with http:// or https://."""
    assert found(DESCRIPTION.read, text) == ["must not start with http:// or https://"]


# --- RetentionDays, InstantAccessRetentionDays ---------------------------------------------------


@pytest.mark.parametrize("days", [1, 65536])
def test_retention_is_1_to_65536_days(days: int) -> None:
    """RetentionDays: 1 to 65536, both included."""
    assert found(RETENTION_DAYS.read, days) == []


@pytest.mark.parametrize("days", [0, -1, 65537, True, 1.0, "7", None])
def test_another_retention_is_rejected(days: object) -> None:
    """RetentionDays: a whole number, and neither a text, a fraction nor true."""
    assert found(RETENTION_DAYS.read, days) == ["must be a whole number from 1 to 65536"]


@pytest.mark.parametrize("days", [1, 65535])
def test_instant_access_is_kept_1_to_65535_days(days: int) -> None:
    """InstantAccessRetentionDays: 1 to 65535, both included."""
    assert kind(instant_access=True, instant_access_retention_days=days) == []


@pytest.mark.parametrize("days", [0, 65536, True, "7"])
def test_instant_access_is_kept_no_other_number_of_days(days: object) -> None:
    """InstantAccessRetentionDays: one day less than RetentionDays at the upper end."""
    assert kind(instant_access=True, instant_access_retention_days=days) == [
        "it.instant_access_retention_days: must be a whole number from 1 to 65535"
    ]


@pytest.mark.parametrize("instant", [{}, {"instant_access": False}])
def test_instant_access_days_need_instant_access(instant: dict[str, bool]) -> None:
    """InstantAccessRetentionDays: takes effect only when InstantAccess is true."""
    assert kind(**instant, instant_access_retention_days=7) == [
        "it.instant_access_retention_days: must be given only with instant_access: true"
    ]


# --- Category, SnapshotType, InstantAccess -------------------------------------------------------


@pytest.mark.parametrize("key", ["category", "snapshot_type"])
@pytest.mark.parametrize("value", ["Standard", "Flash"])
def test_a_category_is_standard_or_flash(key: str, value: str) -> None:
    """Category and SnapshotType: Standard or Flash."""
    assert kind(**{key: value}) == []


@pytest.mark.parametrize("key", ["category", "snapshot_type"])
@pytest.mark.parametrize("value", ["standard", "FLASH", "", "Normal", 1, ["Flash"], {}])
def test_another_category_is_rejected(key: str, value: object) -> None:
    """Category and SnapshotType: just these two spellings."""
    assert kind(**{key: value}) == [f"it.{key}: must be 'Standard' or 'Flash'"]


@pytest.mark.parametrize("key", ["category", "snapshot_type"])
@pytest.mark.parametrize("instant", [True, False])
def test_a_category_excludes_instant_access(key: str, *, instant: bool) -> None:
    """InvalidCategoryAndInstantAccess.Malformed: the two cannot be specified together."""
    assert kind(**{key: "Standard"}, instant_access=instant) == [
        f"it.{key}: must not be given together with instant_access; leave both out"
    ]


def test_a_category_is_given_under_one_name_only() -> None:
    """SnapshotType is what Category was called: two answers to one question are rejected."""
    assert kind(category="Flash", snapshot_type="Standard") == [
        "it.snapshot_type: is the former name of category; give one of them"
    ]


@pytest.mark.parametrize("value", ["true", 1, "yes"])
def test_instant_access_is_true_or_false(value: object) -> None:
    """InstantAccess: a flag."""
    assert kind(instant_access=value) == ["it.instant_access: must be true or false"]


def kind(**settings: Any) -> list[str]:
    problems = Problems()
    direct_policy({"disk_ids": ("d-1",)}, settings, {}, problems)
    return [f"{problem.path}: {problem.rule}".replace("snapshot", "it", 1) for problem in problems]


# --- Tag.N -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 15])
def test_a_snapshot_has_up_to_15_tags_besides_the_tracking_tags(count: int) -> None:
    """Tag.N: 1 to 20; the five tracking tags count."""
    assert found(SNAPSHOT_TAGS.read, tags(count)) == []


def test_one_tag_more_is_rejected() -> None:
    """Tag.N: no 21st tag."""
    assert found(SNAPSHOT_TAGS.read, tags(16)) == [
        "must be at most 15 tags; 5 of the 20 are tracking tags"
    ]


def tags(count: int) -> dict[str, str]:
    return {f"k{number}": "v" for number in range(count)}


@pytest.mark.parametrize("value", [["a"], "a", None, 1])
def test_tags_are_a_mapping(value: object) -> None:
    """Tag.N: keys with values."""
    assert found(SNAPSHOT_TAGS.read, value) == ["must be a mapping of keys to values"]


def test_each_tag_is_judged_and_named() -> None:
    """All problems at once, each at the tag's own path."""
    problems = Problems()

    SNAPSHOT_TAGS.read({"acs:a": "v", "good": "v", "b": "acs:v"}, "tags", problems)

    assert [problem.path for problem in problems] == ["tags.acs:a", "tags.b"]


@pytest.mark.parametrize("key", ["k", "k" * 128, "any sign: 名 /", "my-acs:", "http", "xaliyun"])
def test_a_tag_key_may_be_1_to_128_of_any_characters(key: str) -> None:
    """Tag.N.Key: 1 to 128 characters."""
    assert found(TAG_KEY.read, key) == []


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_a_tag_key_of_another_length_is_rejected(key: str) -> None:
    """Tag.N.Key: not empty, 128 at most."""
    assert found(TAG_KEY.read, key) == ["key must be 1 to 128 characters long"]


@pytest.mark.parametrize("key", ["http://k", "a-http://k", "https://k", "a https://"])
def test_a_tag_key_holds_no_address(key: str) -> None:
    """Tag.N.Key: cannot contain http:// or https://, wherever."""
    assert found(TAG_KEY.read, key) == ["key must not contain http:// or https://"]


@pytest.mark.parametrize("prefix", ["acs:", "aliyun"])
@given(data=st.data())
def test_a_tag_key_has_no_reserved_prefix_in_whatever_case(
    prefix: str, data: st.DataObject
) -> None:
    """Tag.N.Key: cannot start with acs: or aliyun."""
    flips = data.draw(st.lists(st.booleans(), min_size=len(prefix), max_size=len(prefix)))
    key = "".join(c.upper() if up else c for c, up in zip(prefix, flips, strict=True)) + "k"

    assert found(TAG_KEY.read, key) == ["key must not start with 'acs:' or 'aliyun', in any case"]


def test_a_tag_key_is_not_one_of_the_tracking_tags() -> None:
    """Whoever could set a tracking tag could make a run lose its snapshot."""
    assert found(TAG_KEY.read, "snapshot-automation-run-id") == [
        "key must not start with 'snapshot-automation-': a tracking tag"
    ]


@pytest.mark.parametrize("value", ["", "v", "v" * 128, "any sign: 名 /", "aliyun", "x-acs:"])
def test_a_tag_value_may_be_0_to_128_of_any_characters(value: str) -> None:
    """Tag.N.Value: up to 128 characters, and may be empty."""
    assert found(TAG_VALUE.read, value) == []


def test_a_longer_tag_value_is_rejected() -> None:
    """Tag.N.Value: 128 characters at most."""
    assert found(TAG_VALUE.read, "v" * 129) == ["value must be 0 to 128 characters long"]


@pytest.mark.parametrize("value", ["http://v", "see https://v"])
def test_a_tag_value_holds_no_address(value: str) -> None:
    """Tag.N.Value: cannot contain http:// or https://."""
    assert found(TAG_VALUE.read, value) == ["value must not contain http:// or https://"]


def test_a_tag_value_does_not_start_with_acs() -> None:
    """Tag.N.Value: cannot start with acs:."""
    assert found(TAG_VALUE.read, "acs:v") == ["value must not start with 'acs:'"]


# --- ClientToken -----------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["t", "t" * 64, "a b-c_~!"])
def test_a_client_token_may_be_1_to_64_ascii_characters(token: str) -> None:
    """ClientToken: ASCII, 64 at most."""
    assert found(CLIENT_TOKEN.read, token) == []


@pytest.mark.parametrize("token", ["", "t" * 65, "é", "名"])
def test_another_client_token_is_rejected(token: str) -> None:
    """ClientToken: ASCII, 64 at most; an empty one is none."""
    assert found(CLIENT_TOKEN.read, token) == ["must be 1 to 64 ASCII characters"]


# --- All of them -----------------------------------------------------------------------------

TEXT_RULES = [
    SNAPSHOT_NAME,
    DESCRIPTION,
    TAG_KEY,
    TAG_VALUE,
    CLIENT_TOKEN,
]


@pytest.mark.parametrize("rule", TEXT_RULES)
@pytest.mark.parametrize("value", [None, 1, True, 1.5, [], {}, b"ab"])
def test_what_is_no_text_is_rejected_once(rule: Text, value: object) -> None:
    """A value of another type is reported by its type, without the other rules."""
    assert found(rule.read, value) == ["must be a text"]


@pytest.mark.parametrize("rule", TEXT_RULES)
def test_half_a_character_is_rejected(rule: Text) -> None:
    """JSON can spell text that no UTF-8 carries, so neither could the call."""
    assert found(rule.read, "ab\ud800") == [
        "must be text that UTF-8 can carry: it has half a character"
    ]
