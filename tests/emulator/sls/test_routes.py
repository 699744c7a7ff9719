"""Which project and region a Host header names."""

import pytest

from emulator.sls.errors import SlsError
from emulator.sls.routes import find, project_and_region
from emulator.wire import Request


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


BARE = ["cn-hangzhou.log.aliyuncs.com", "127.0.0.1", "localhost", ""]


@pytest.mark.parametrize("host", BARE)
def test_a_bare_endpoint_names_no_project(host: str) -> None:
    """What is asked of the account goes there."""
    assert project_and_region(host)[0] == ""


@pytest.mark.parametrize(
    ("method", "project", "name"),
    [
        ("GET", "", "ListProject"),
        ("GET", "my-project", "GetProject"),
        ("POST", "", "CreateProject"),
        ("POST", "my-project", "CreateProject"),
    ],
)
def test_the_host_decides_what_is_asked_at_the_root(method: str, project: str, name: str) -> None:
    """A project is made at either host: the Python SDK puts it in front, Node's does not."""
    found = find(Request(method=method, host="", path="/"), project)

    assert found
    assert found.operation.name == name


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/logstores"), ("DELETE", "/"), ("POST", "/logstores/a/shards/lb")]
)
def test_what_needs_a_project_is_rejected_at_a_bare_endpoint(method: str, path: str) -> None:
    """The code is that of a Host header that is wrong."""
    with pytest.raises(SlsError, match="InvalidHost"):
        find(Request(method=method, host="localhost", path=path), "")
