"""What holds an emulator together."""

from datetime import timedelta

import pytest

from emulator import Cloud, ManualClock
from emulator.cloud import UnknownRegionError
from emulator.credentials import AccessKey
from tests.emulator.sls.conftest import NOW


def test_has_one_ecs_for_each_region() -> None:
    """The same service each time it is asked for, and never another region's."""
    cloud = Cloud(regions=["cn-hangzhou", "cn-shanghai"])

    assert cloud.regions == ("cn-hangzhou", "cn-shanghai")
    assert cloud.ecs("cn-shanghai") is cloud.ecs("cn-shanghai")
    assert cloud.ecs("cn-shanghai") is not cloud.ecs("cn-hangzhou")


def test_its_first_region_is_meant_where_none_is_named() -> None:
    """Most tests have one region and never name it."""
    assert Cloud().ecs() is not None
    cloud = Cloud(regions=["eu-central-1", "cn-shanghai"])

    assert cloud.ecs() is cloud.ecs("eu-central-1")


def test_an_unknown_region_is_rejected_with_those_there_are() -> None:
    """A rejection that teaches."""
    cloud = Cloud(regions=["cn-hangzhou", "cn-shanghai"])

    with pytest.raises(UnknownRegionError, match=r"'cn-beijing' here: .*cn-hangzhou, cn-shanghai"):
        cloud.ecs("cn-beijing")


def test_a_cloud_of_every_region_makes_each_when_asked() -> None:
    """regions=None: a region is there from its first use on."""
    cloud = Cloud(regions=None)
    assert not cloud.regions

    tokyo = cloud.ecs("ap-northeast-1")

    assert cloud.regions == ("ap-northeast-1",)
    assert cloud.ecs() is tokyo


@pytest.mark.parametrize("name", ["hangzhou", "CN-HANGZHOU", "cn_hangzhou", "cn-hangzhou/..", "1"])
def test_not_every_word_is_a_region(name: str) -> None:
    """Also where every region is there: a typing mistake must not pass."""
    with pytest.raises(UnknownRegionError, match="a name such as cn-hangzhou"):
        Cloud(regions=None).ecs(name)


def test_a_cloud_of_no_region_is_rejected() -> None:
    """None is every region; an empty list is a mistake."""
    with pytest.raises(ValueError, match="name at least one"):
        Cloud(regions=[])


def test_the_same_seed_gives_the_same_key() -> None:
    """A failed run can be told again."""
    assert Cloud(seed=1).access_key == Cloud(seed=1).access_key
    assert Cloud(seed=1).access_key != Cloud(seed=2).access_key


def test_a_given_key_is_the_permanent_one() -> None:
    """For those who write their key down before the cloud begins."""
    key = AccessKey(access_key_id="LTAI-mine", access_key_secret="mine")
    cloud = Cloud(access_key=key)

    assert cloud.access_key is key
    assert cloud.keys.find("LTAI-mine") is key


def test_temporary_keys_are_all_different_and_known() -> None:
    """Each has its own token and its own end."""
    cloud = Cloud(clock=ManualClock(NOW))
    end = NOW + timedelta(hours=1)

    keys = [cloud.temporary_key(), cloud.temporary_key(expires_at=end)]

    assert [key.expires_at for key in keys] == [None, end]
    assert len({key.security_token for key in keys}) == 2
    assert [cloud.keys.find(key.access_key_id) for key in keys] == keys
