"""A real server for the tests of responses that last: `python -m tests.streaming.paced_server daphne|uvicorn PORT`.

/flood    bytes without an end, until the client has left
/made     how many bytes /flood has made
/breaks   a response that fails after it has begun
"""

import sys
from typing import Any

from streaming.http.daphne_backpressure import Paced

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
        case "/breaks":
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise RuntimeError("It broke.")


def main() -> None:
    server, port = sys.argv[1], int(sys.argv[2])
    if server == "uvicorn":
        import uvicorn

        uvicorn.run(Paced(application), port=port, lifespan="off", log_level="critical")
    else:
        from daphne.server import Server

        Server(Paced(application), endpoints=[f"tcp:port={port}:interface=127.0.0.1"]).run()


if __name__ == "__main__":
    main()
