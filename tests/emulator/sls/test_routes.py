"""Which project and region a Host header names."""

import pytest

from emulator.sls.errors import SlsError
from emulator.sls.routes import project_and_region


@pytest.mark.parametrize(
    ("host", "project", "region_id"),
    [
        ("my-project.cn-hangzhou.log.aliyuncs.com", "my-project", "cn-hangzhou"),
        ("my-project.eu-central-1-intranet.log.aliyuncs.com", "my-project", "eu-central-1"),
        ("my-project.cn-shanghai.sls.aliyuncs.com", "my-project", "cn-shanghai"),
        ("my-project.127.0.0.1", "my-project", ""),
        ("my-project.localhost", "my-project", ""),
    ],
)
def test_the_project_is_the_first_label(host: str, project: str, region_id: str) -> None:
    """`<project>.<endpoint>`, also where the endpoint is a loopback address."""
    assert project_and_region(host) == (project, region_id)


@pytest.mark.parametrize("host", ["cn-hangzhou.log.aliyuncs.com", "127.0.0.1", "localhost", ""])
def test_a_host_without_a_project_is_refused(host: str) -> None:
    """Every operation here needs a project."""
    with pytest.raises(SlsError, match="InvalidHost"):
        project_and_region(host)
