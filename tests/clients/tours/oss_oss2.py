"""oss2: an object's life; its argument is the version of the signature, v1 or v4."""

import json
import logging
import os
import sys
from pathlib import Path

import oss2

logging.disable(logging.CRITICAL)
NAME = "a folder/päckage.zip"
key = os.environ["ACCESS_KEY_ID"], os.environ["ACCESS_KEY_SECRET"]
auth = oss2.Auth(*key)
if sys.argv[1] == "v4":
    auth = oss2.ProviderAuthV4(oss2.StaticCredentialsProvider(*key))
bucket = oss2.Bucket(
    auth, os.environ["OSS_ENDPOINT"], "tour-bucket", region=os.environ["REGION_ID"]
)
content = Path(os.environ["PACKAGE"]).read_bytes()
bucket.create_bucket()
bucket.put_object(NAME, content)
same = bucket.get_object(NAME).read() == content
status = bucket.head_object(NAME).status
bucket.delete_object(NAME)
try:
    bucket.get_object(NAME)
    rejected = ""
except oss2.exceptions.OssError as error:
    rejected = error.code

print(json.dumps({"same": same, "status": status, "rejected": rejected}))
