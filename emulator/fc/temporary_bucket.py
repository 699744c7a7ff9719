"""
TempBucketToken: where a tool may upload a package, and with which key.

No page documents it; learnt from the tools that call it: fc2 for Node (2.6.6), whose large
functions go this way, and the fc3 component of `s`, whose every package does. Both put the
account's id in front of `objectName`; the key may put objects there and do nothing else.
"""

from __future__ import annotations

from emulator.fc.operations import Answer, Call, Checked
from emulator.fc.services import instant

KEY_LASTS_S = 3600.0


def get_token(call: Call) -> Checked:
    """Show a bucket of this region, the name for one object in it, and a new key."""
    region = call.region

    def effect() -> Answer:
        bucket = f"fc-{region.region_id}-temporary-code"
        region.oss.create_bucket(bucket, region.region_id)
        key = region.account.upload_key(bucket, KEY_LASTS_S)
        return Answer(
            document={
                "ossRegion": f"oss-{region.region_id}",
                "ossBucket": bucket,
                "objectName": region.account.ids.request().lower(),
                "credentials": {
                    "AccessKeyId": key.access_key_id,
                    "AccessKeySecret": key.access_key_secret,
                    "SecurityToken": key.security_token,
                    "Expiration": instant(key.expires_at or region.clock.now()),
                },
            }
        )

    return Checked(params=call.params, effect=effect)
