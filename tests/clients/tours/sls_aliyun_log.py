"""
aliyun-log-python-sdk, with the version of the signature that the argument names.

Releases of before version 4 of the signature sign in the only way that they know.
"""

import inspect
import json
import os
import sys
import time

from aliyun.log import GetHistogramsRequest, LogClient, LogException, LogItem, PutLogsRequest
from aliyun.log.index_config import IndexConfig, IndexKeyConfig, IndexLineConfig

PROJECT, LOGSTORE = "tour-project", "tour-store"
NOW = int(time.time())


def client() -> LogClient:
    known = inspect.signature(LogClient.__init__).parameters
    version = {"auth_version": sys.argv[1], "region": os.environ["REGION_ID"]}
    return LogClient(
        os.environ["SLS_ENDPOINT"],
        os.environ["ACCESS_KEY_ID"],
        os.environ["ACCESS_KEY_SECRET"],
        source="tour",
        **{name: value for name, value in version.items() if name in known},
    )


def code_of_unknown(log: LogClient) -> str:
    try:
        log.get_project("no-such-project")
    except LogException as exc:
        return str(exc.get_error_code())
    return ""


def main() -> None:
    log = client()
    log.create_project(PROJECT, "of a tour")
    log.create_logstore(PROJECT, LOGSTORE, ttl=3, shard_count=2)
    keys = {"number": IndexKeyConfig([","], index_type="long")}
    log.create_index(PROJECT, LOGSTORE, IndexConfig(line_config=IndexLineConfig([","])))
    log.update_index(
        PROJECT, LOGSTORE, IndexConfig(line_config=IndexLineConfig([","]), key_config_list=keys)
    )
    for number in ("1", "2", "3"):
        items = [LogItem(timestamp=NOW, contents=[("number", number)])]
        log.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "topic", "", items))
    found = log.get_log(PROJECT, LOGSTORE, NOW - 60, NOW + 60, query="number > 1")
    asked = GetHistogramsRequest(PROJECT, LOGSTORE, NOW - 60, NOW + 60, "", "number > 1")
    shards = [one["shardID"] for one in log.list_shards(PROJECT, LOGSTORE).get_shards_info()]
    pulled = []
    for shard in shards:
        cursor = log.get_begin_cursor(PROJECT, LOGSTORE, shard).get_cursor()
        log.get_cursor_time(PROJECT, LOGSTORE, shard, cursor)
        answer = log.pull_logs(PROJECT, LOGSTORE, shard, cursor)
        pulled += [one["number"] for one in answer.get_flatten_logs_json()]
    log.update_logstore(PROJECT, LOGSTORE, ttl=7)
    print(
        json.dumps(
            {
                "found": [one.get_contents()["number"] for one in found.get_logs()],
                "counted": log.get_histograms(asked).get_total_count(),
                "shards": shards,
                "pulled": sorted(pulled),
                "ttl": log.get_logstore(PROJECT, LOGSTORE).get_ttl(),
                "projects": [one["projectName"] for one in log.list_project().get_projects()],
                "logstores": log.list_logstore(PROJECT).get_logstores(),
                "description": log.get_project(PROJECT).get_description(),
                "indexed": sorted(
                    log.get_index_config(PROJECT, LOGSTORE).get_index_config().key_config_list
                ),
                "unknown": code_of_unknown(log),
            }
        )
    )
    log.delete_index(PROJECT, LOGSTORE)
    log.delete_logstore(PROJECT, LOGSTORE)
    log.delete_project(PROJECT)


main()
