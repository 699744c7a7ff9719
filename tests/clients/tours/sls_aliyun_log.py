"""aliyun-log-python-sdk: writes two logs."""

import json
import os

from aliyun.log import LogClient, LogItem, PutLogsRequest

PROJECT, LOGSTORE = "tour-project", "tour-store"

client = LogClient(
    os.environ["SLS_ENDPOINT"],
    os.environ["ACCESS_KEY_ID"],
    os.environ["ACCESS_KEY_SECRET"],
    source="tour",
)
logs = [LogItem(contents=[("number", number)]) for number in ("1", "2")]
client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "", "", logs))

print(json.dumps({"written": len(logs)}))
