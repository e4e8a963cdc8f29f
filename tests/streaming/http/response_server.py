"""A real server for the tests of responses that last: `python -m tests.streaming.http.response_server PORT`.

/flood     bytes without an end, until the client has left
/made      how many bytes /flood has made
/aborted   a response that is aborted after it has begun
"""

import sys
from typing import Any

import uvicorn

from streaming.http import direct_send
from streaming.http.direct_send import DirectSend

CHUNK = b"x" * 65_536
# More than any buffers between two sockets hold, and little enough to be held where nothing holds back.
MOST = 3_000
made = 0


async def application(scope: Any, receive: Any, send: Any) -> None:
    global made
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    match scope["path"]:
        case "/flood":
            for _ in range(MOST):
                made += len(CHUNK)
                await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        case "/made":
            await send({"type": "http.response.body", "body": str(made).encode()})
        case "/aborted":
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            direct_send.abort(scope)


if __name__ == "__main__":
    uvicorn.run(DirectSend(application), port=int(sys.argv[1]), lifespan="off", log_level="critical")
