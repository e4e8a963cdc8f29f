"""Outcry with a new database, on uvicorn; its conversations are said in the server's own process and event loop, as a
debate's run would.

    python -m benchmarks.delivery.outcry_server LOAD
"""

import sys

import django

from benchmarks.delivery import lines, uvicorn_server
from benchmarks.delivery.load import Load


def main(load: Load) -> None:
    django.setup()
    # These need Django's applications; the log's readers are counted before anybody has taken hold of them.
    from benchmarks.delivery.outcry_speaker import OutcrySpeaker

    speaker = OutcrySpeaker(load)
    from config.asgi import application

    async def started(address: tuple[str, int]) -> None:
        headers = {"Cookie": speaker.cookie, "Origin": f"http://{address[0]}:{address[1]}"}
        await lines.obey(speaker, load, address, speaker.paths, headers)

    uvicorn_server.run(application, "auto", "warning", started)


if __name__ == "__main__":
    main(Load.parse(sys.argv[1]))
