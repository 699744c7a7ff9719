"""aliyun-mns-sdk: messages are sent, looked at, received, hidden and deleted."""

import json
import os
from contextlib import contextmanager

from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import Message

key = os.environ["ACCESS_KEY_ID"], os.environ["ACCESS_KEY_SECRET"]
account = Account(os.environ["SMQ_ENDPOINT"], *key)
codes: list[str] = []


@contextmanager
def rejected():  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Keep the code of a rejection."""
    try:
        yield
    except MNSServerException as error:
        codes.append(error.type)


queue = account.get_queue("tour-queue")
with rejected():
    queue.receive_message()
first = queue.send_message(Message("first"))
queue.batch_send_message([Message("second"), Message("thïrd")])
seen = [queue.peek_message(), *queue.batch_peek_message(16)]
one = queue.receive_message()
longer = queue.change_message_visibility(one.receipt_handle, 600)
with rejected():
    queue.delete_message(one.receipt_handle)
queue.delete_message(longer.receipt_handle)
rest = queue.batch_receive_message(16)
with rejected():
    queue.batch_delete_message([rest[0].receipt_handle, "none"])
queue.batch_delete_message([rest[1].receipt_handle])
with rejected():
    account.get_queue("other").receive_message()

print(
    json.dumps(
        {
            "same_id": first.message_id == one.message_id,
            "seen": [message.message_body.decode() for message in seen],
            "received": [message.message_body.decode() for message in (one, *rest)],
            "counts": [one.dequeue_count, one.priority],
            "codes": codes,
        }
    )
)
