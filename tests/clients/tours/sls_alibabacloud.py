"""
alibabacloud-sls20201230, with the version of the signature that the argument names.

It cannot read what PullLogs answers, which is protobuf: as its own documentation states.
"""

import json
import os
import sys
import time

from alibabacloud_sls20201230 import models
from alibabacloud_sls20201230.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from Tea.exceptions import TeaException

PROJECT, LOGSTORE = "tour-project", "tour-store"
NOW = int(time.time())


def client() -> Client:
    protocol, _, endpoint = os.environ["SLS_ENDPOINT"].partition("://")
    return Client(
        Config(
            access_key_id=os.environ["ACCESS_KEY_ID"],
            access_key_secret=os.environ["ACCESS_KEY_SECRET"],
            region_id=os.environ["REGION_ID"],
            protocol=protocol,
            endpoint=endpoint,
            signature_version=sys.argv[1],
        )
    )


def index() -> models.Index:
    number = models.IndexKey(type="long", token=[","])
    return models.Index(line=models.IndexLine(token=[","]), keys={"number": number})


def code_of_unknown(sls: Client) -> str:
    try:
        sls.get_project("no-such-project", models.GetProjectRequest())
    except (DaraException, TeaException) as exc:
        return str(exc.code)
    return ""


def main() -> None:
    sls = client()
    sls.create_project(models.CreateProjectRequest(project_name=PROJECT, description="of a tour"))
    sls.create_log_store(
        PROJECT, models.CreateLogStoreRequest(logstore_name=LOGSTORE, ttl=3, shard_count=2)
    )
    sls.create_index(PROJECT, LOGSTORE, models.CreateIndexRequest(body=index()))
    sls.update_index(PROJECT, LOGSTORE, models.UpdateIndexRequest(body=index()))
    for number in ("1", "2", "3"):
        content = models.LogContent(key="number", value=number)
        group = models.LogGroup(
            topic="topic",
            source="tour",
            log_tags=[],
            log_items=[models.LogItem(time=NOW, contents=[content])],
        )
        sls.put_logs(PROJECT, LOGSTORE, models.PutLogsRequest(body=group))
    query = {"from_": NOW - 60, "to": NOW + 60, "query": "number > 1"}
    found = sls.get_logs_v2(PROJECT, LOGSTORE, models.GetLogsV2Request(**query)).body.data
    listed = sls.get_logs(PROJECT, LOGSTORE, models.GetLogsRequest(**query)).body.data
    counted = sls.get_histograms(PROJECT, LOGSTORE, models.GetHistogramsRequest(**query)).body
    shards = [one.shard_id for one in sls.list_shards(PROJECT, LOGSTORE).body]
    for shard in map(str, shards):
        begin = models.GetCursorRequest(from_="begin")
        cursor = sls.get_cursor(PROJECT, LOGSTORE, shard, begin).body.cursor
        sls.get_cursor_time(PROJECT, LOGSTORE, shard, models.GetCursorTimeRequest(cursor=cursor))
    change = models.UpdateLogStoreRequest(logstore_name=LOGSTORE, ttl=7, shard_count=2)
    sls.update_log_store(PROJECT, LOGSTORE, change)
    projects = sls.list_project(models.ListProjectRequest()).body.projects
    print(
        json.dumps(
            {
                "found": [one["number"] for one in found],
                "listed": [one["number"] for one in listed],
                "counted": sum(one.count for one in counted),
                "shards": shards,
                "ttl": sls.get_log_store(PROJECT, LOGSTORE).body.ttl,
                "projects": [one.project_name for one in projects],
                "logstores": sls.list_log_stores(
                    PROJECT, models.ListLogStoresRequest()
                ).body.logstores,
                "description": sls.get_project(
                    PROJECT, models.GetProjectRequest()
                ).body.description,
                "indexed": sorted(sls.get_index(PROJECT, LOGSTORE).body.keys),
                "unknown": code_of_unknown(sls),
            }
        )
    )
    sls.delete_index(PROJECT, LOGSTORE)
    sls.delete_log_store(PROJECT, LOGSTORE)
    sls.delete_project(PROJECT, models.DeleteProjectRequest())


main()
