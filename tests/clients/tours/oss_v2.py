"""alibabacloud-oss-v2: an object's life, with signatures of version 4."""

import json
import os
from pathlib import Path

import alibabacloud_oss_v2 as oss

BUCKET, NAME = "tour-bucket", "a folder/päckage.zip"
config = oss.config.load_default()
config.credentials_provider = oss.credentials.StaticCredentialsProvider(
    os.environ["ACCESS_KEY_ID"], os.environ["ACCESS_KEY_SECRET"]
)
config.region = os.environ["REGION_ID"]
config.endpoint = os.environ["OSS_ENDPOINT"]
config.use_path_style = True
client = oss.Client(config)
content = Path(os.environ["PACKAGE"]).read_bytes()
client.put_bucket(oss.PutBucketRequest(bucket=BUCKET))
client.put_object(oss.PutObjectRequest(bucket=BUCKET, key=NAME, body=content))
found = client.get_object(oss.GetObjectRequest(bucket=BUCKET, key=NAME)).body.content
status = client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key=NAME)).status_code
client.delete_object(oss.DeleteObjectRequest(bucket=BUCKET, key=NAME))
try:
    client.get_object(oss.GetObjectRequest(bucket=BUCKET, key=NAME))
    rejected = ""
except oss.exceptions.OperationError as error:
    rejected = error.unwrap().code

print(json.dumps({"same": found == content, "status": status, "rejected": rejected}))
