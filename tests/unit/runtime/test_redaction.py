"""Messages of services and libraries, without secrets and signatures."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.redaction import redacted

TOKEN = "CAIS8wF1q6Ft5B2yfSjIr5fSGfjAqJ+E/aqcWkPWjnkXOdxbi6f0/jz2IHxMf3NpBOkZvvQ1lGlU6/cTlqJ4=="
SIGNATURE = "O0aqhR5X4dPmq+JIyb8QD5zaSKQ="

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a path or a query": lambda secret: quote(secret, safe=""),
    "in a form": quote,
    "in a text to sign": lambda secret: quote(quote(secret, safe=""), safe=""),
    "in small letters": lambda secret: quote(secret, safe="").replace("%2B", "%2b"),
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON of PHP": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in JSON of .NET": lambda secret: json.dumps(secret)[1:-1].replace("+", "\\u002B"),
    "in HTML": lambda secret: html.escape(secret).replace("+", "&#43;").replace("/", "&#x2F;"),
    "cut off": lambda secret: secret[: max(12, len(secret) // 2)],
    "cut off and encoded": lambda secret: quote(secret[: max(12, len(secret) // 2)], safe=""),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_token_is_found_however_it_is_spelled(spelling: str) -> None:
    """A text to sign is percent-encoded, an error envelope is JSON, a gateway answers HTML."""
    spelled = SPELLINGS[spelling](TOKEN)

    shown = redacted(f"the text is [x-acs-security-token:{spelled}\nhost:ecs] see", [TOKEN])

    assert shown == "the text is [x-acs-security-token:***\nhost:ecs] see"


@given(
    secret=st.text(st.sampled_from("ABCxyz019+/=-_.~"), min_size=12, max_size=60),
    spell=st.sampled_from(list(SPELLINGS.values())),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_whatever_the_secret_it_is_never_left(
    secret: str, spell: Callable[[str], str], before: str, after: str
) -> None:
    """Invariant 6: no secret in a log line or a record."""
    shown = redacted(f"{before} {spell(secret)} {after}", [secret])

    assert " *** " in shown


@pytest.mark.parametrize(
    "text",
    [
        f"signature {SIGNATURE} not matched",
        f"Signature={SIGNATURE}&SignatureMethod=HMAC-SHA1",
        f'"signature": "{SIGNATURE}"',
        f"the server's signature is: {SIGNATURE}",
        f"Authorization: FC LTAI5tExample:{SIGNATURE}",
        f"authorization%3A%20FC%20LTAI5tExample%3A{SIGNATURE}",
        f"AccessKeyId%3DLTAI5tExample%26Signature%3D{SIGNATURE}",
        f"authorization : LOG LTAI5tExample:{SIGNATURE}",
        f"{{'authorization': 'acs LTAI5tExample:{SIGNATURE}', 'date': 'x'}}",
        "ACS3-HMAC-SHA256 Credential=LTAI5tExample,SignedHeaders=host;x-acs-date,Signature="
        + "0aF3" * 16,
    ],
)
def test_a_signature_is_found_where_it_is_named(text: str) -> None:
    """It is good for fifteen minutes, for whoever repeats the request."""
    shown = redacted(text, [])

    assert SIGNATURE not in shown
    assert "0aF30aF3" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SignatureDoesNotMatch: Specified signature is not matched with our calculation.",
        "SignatureNonce=5f7a6a3c2b7e4c0e9c3b1d2a, x-acs-signature-nonce: 5f7a6a3c2b7e4c0e",
        "acs:fc:cn-hangzhou:1234567890123456:services/s/functions/f",
        "disk d-bp131n0q38u3a4ziXXXX, request 8B26B44-0189-443E-9816-D951F59623A9",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """The parts that explain what was rejected stay."""
    assert redacted(text, [None, "", TOKEN]) == text


def test_every_secret_is_found_wherever_it_stands() -> None:
    """More than one, more than once."""
    shown = redacted(f"{TOKEN} and secret-secret and {TOKEN}", [TOKEN, "secret-secret"])

    assert shown == "*** and *** and ***"
