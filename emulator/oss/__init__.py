"""OSS: buckets and their objects, as far as code of functions needs them."""

from emulator.oss.service import OssService

__all__ = ["OssService"]
