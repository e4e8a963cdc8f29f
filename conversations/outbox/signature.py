"""The signature of a delivery's requests, by which the receiving agent knows who has sent them, and when.

X-Outcry-Timestamp is the time in seconds since 1970. X-Outcry-Signature is "sha256=" and the HMAC-SHA256, in
hexadecimal, of the timestamp, a dot and the body, with the secret that both sides know. docs/a2a.md shows how to verify
it.
"""

import hashlib
import hmac
import time
from typing import Final

import httpx
from django.conf import settings

TIMESTAMP: Final = "X-Outcry-Timestamp"
SIGNATURE: Final = "X-Outcry-Signature"


async def sign(request: httpx.Request) -> None:
    """An event hook of an HTTP client: sign the request, if there is a secret."""
    if settings.OUTCRY_A2A_SECRET:
        timestamp = str(int(time.time()))
        request.headers[TIMESTAMP] = timestamp
        request.headers[SIGNATURE] = f"sha256={digest(timestamp, await request.aread())}"


def digest(timestamp: str, body: bytes) -> str:
    """The HMAC-SHA256 of the timestamp and the body, in hexadecimal."""
    secret = settings.OUTCRY_A2A_SECRET.encode()
    return hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
