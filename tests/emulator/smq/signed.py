"""Requests of the API for messages, signed as the reference says."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import requests

from emulator.credentials import AccessKey

HOST = "https://1234567890123456.mns.cn-hangzhou.aliyuncs.com"
NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was answered."""

    status: int
    root: str
    """The name of the answer's root element; empty without a body."""
    items: list[dict[str, str]]
    """The fields of the message, or of each one in a list."""

    @property
    def code(self) -> str:
        return self.items[0]["Code"]


def ask(
    key: AccessKey, method: str, query: str = "", body: str = "", *, queue: str = "failures"
) -> Asked:
    """Send one request about the messages of a queue."""
    path = f"/queues/{queue}/messages"
    return send(key, method, f"{path}?{query}" if query else path, body)


def send(key: AccessKey, method: str, resource: str, body: str = "") -> Asked:
    """Send one request to a path."""
    headers = {"x-mns-version": "2015-06-06", "date": DATE}
    if body:
        headers |= {"content-type": "text/xml;charset=UTF-8"}
    kind = headers.get("content-type", "")
    to_sign = f"{method}\n\n{kind}\n{DATE}\nx-mns-version:2015-06-06\n{resource}"
    digest = hmac.new(key.access_key_secret.encode(), to_sign.encode(), hashlib.sha1).digest()
    headers["authorization"] = f"MNS {key.access_key_id}:{base64.b64encode(digest).decode()}"
    if key.security_token:
        headers["security-token"] = key.security_token
    answer = requests.request(method, HOST + resource, headers=headers, data=body, timeout=60)
    return answer_of(answer)


def answer_of(answer: requests.Response) -> Asked:
    if not answer.content:
        return Asked(status=answer.status_code, root="", items=[])
    root = ET.fromstring(answer.content)  # noqa: S314 - from the emulator
    assert root.tag.startswith(NAMESPACE)
    nested = [one for one in root if len(one)] or [root]
    items = [
        {child.tag.removeprefix(NAMESPACE): child.text or "" for child in one} for one in nested
    ]
    return Asked(status=answer.status_code, root=root.tag.removeprefix(NAMESPACE), items=items)
