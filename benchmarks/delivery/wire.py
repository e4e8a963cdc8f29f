"""The little of the WebSocket protocol that a client needs which only listens."""

import base64
import os
import re
import struct
from collections.abc import Iterator, Mapping

TEXT, CLOSE, PING = 0x1, 0x8, 0x9
FINAL = 0x80
MASKED = 0x80
# Where the server may be speaking of itself: its frames' first bytes, which no ASCII text holds.
CLOSE_MARK, PING_MARK = bytes([FINAL | CLOSE]), bytes([FINAL | PING])
_NO_MASK = bytes(4)  # a key of zeros leaves the payload as it is


def handshake(address: tuple[str, int], path: str, headers: Mapping[str, str]) -> bytes:
    lines = {
        "Host": f"{address[0]}:{address[1]}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        **headers,
    }
    return "\r\n".join(
        [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
    ).encode()


def refusal(answer: bytes) -> str | None:
    """The status line of an answer that is no "101 Switching Protocols"; None while all is well."""
    line = answer.partition(b"\r\n")[0]
    return None if re.match(rb"HTTP/1\.1 101\b", line) else line.decode("latin-1")


def pong(data: bytes) -> bytes | None:
    """The answer to each ping in `data`. A length that looks like one is answered, too, which does no harm; a ping that
    comes in two pieces is not, and servers forgive one."""
    answers, at = b"", data.find(PING_MARK)
    while 0 <= at < len(data) - 1:
        payload = data[at + 2 : at + 2 + data[at + 1]]
        if len(payload) == data[at + 1] <= 125:
            answers += bytes([FINAL | 0xA, MASKED | len(payload)]) + _NO_MASK + payload
        at = data.find(PING_MARK, at + 1)
    return answers or None


def close_code(data: bytes) -> int | None:
    """The code of a close frame that ends `data`."""
    at = data.rfind(CLOSE_MARK)
    if at < 0 or len(data) < at + 4 or len(data) != at + 2 + data[at + 1]:
        return None
    code: int = struct.unpack_from(">H", data, at + 2)[0]
    return code if 1000 <= code < 5000 else None


def close_answer(code: int) -> bytes:
    return bytes([FINAL | CLOSE, MASKED | 2]) + _NO_MASK + struct.pack(">H", code)


def frames(data: bytes, start: int) -> Iterator[tuple[int, int, bytes]]:
    """(opcode, end in `data`, payload) of each whole frame of a server. Raises ValueError on a frame in parts."""
    while start + 2 <= len(data):
        first, length = data[start], data[start + 1]
        start += 2
        if length == 126:
            length = int.from_bytes(data[start : start + 2], "big")
            start += 2
        elif length == 127:
            length = int.from_bytes(data[start : start + 8], "big")
            start += 8
        if not first & FINAL:
            raise ValueError("A frame in parts.")
        end = start + length
        if end > len(data):
            return
        yield first & 0xF, end, data[start:end]
        start = end
