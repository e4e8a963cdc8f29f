"""The models' provider of a run: the stand-in, which holds its answers back until all is ready to be measured.

    python -m benchmarks.cluster.stand_in --tokens 150 --rate 50

Prints {"provider"} as its first line; then each line of its standard input is a command, answered with a line:

    hold            answers wait from now on
    open            they go on, each a part of a token's time later than another, as people's questions do
    tokens NUMBER   in each answer from now on
"""

import argparse
import asyncio
import json
import random
import sys
from dataclasses import dataclass, field

from tests.fakes.openai_server import Exchange, OpenAIServer
from tests.fakes.replies import Reply, stamped


@dataclass
class HeldServer(OpenAIServer):
    """`opened` is set while answers are given."""

    rate: float = 50
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def _answer(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        # Health probes are answered at once.
        if exchange.path.endswith("/chat/completions") and not self.opened.is_set():
            await self.opened.wait()
            await asyncio.sleep(random.random() / self.rate)
        await super()._answer(exchange, writer)
        # They are many, and nobody asks for them.
        self.exchanges = [one for one in self.exchanges if one is not exchange]

    def speak(self, tokens: int) -> None:
        """Each token is the moment it is sent."""
        self.default = Reply(stamped(tokens), usage=(120, tokens), tokens_per_second=self.rate)


async def _main(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    async with HeldServer(rate=arguments.rate) as server:
        server.opened.set()
        server.speak(arguments.tokens)
        print(json.dumps({"provider": server.provider}), flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            match line.split():
                case ["hold"]:
                    server.opened.clear()
                case ["open"]:
                    server.opened.set()
                case ["tokens", number]:
                    server.speak(int(number))
                case unknown:
                    raise ValueError(f"Unexpected command {unknown!r}.")
            print("{}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=150)
    parser.add_argument("--rate", type=float, default=50)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))
