"""SIGTERM in the middle of a turn: the turn may finish within the grace, the rest goes on elsewhere."""

import time
from functools import partial
from pathlib import Path

from reliability.chaos import audit
from reliability.chaos.figures import Row
from reliability.chaos.installation import SHORT_LEASES, Server, until
from reliability.chaos.kills import Kill, Scene, paced, scene
from reliability.chaos.stores import Log, Standings, Store

# Of a turn: less than the grace of five seconds, and far more.
SHORT_TURN, LONG_TURN = 2.5, 12.0
RATE = 20.0


async def short_turns(store: Store, folder: Path, *, times: int, seed: int) -> Row:
    """A turn that ends within the grace period is not interrupted, and nothing is said twice."""
    row = await _farewells(
        f"SIGTERM, the turns end within the grace ({store.name})", store, folder, SHORT_TURN, times, seed
    )
    if cut := [it for it in row.notes if "cut in mid-turn" in it]:
        row.found(cut)
    return row


async def long_turns(store: Store, folder: Path, *, times: int, seed: int) -> Row:
    """A turn that does not end within the grace period is handed over and spoken again."""
    return await _farewells(
        f"SIGTERM, the turns outlast the grace ({store.name})", store, folder, LONG_TURN, times, seed
    )


async def _farewells(name: str, store: Store, folder: Path, turn: float, times: int, seed: int) -> Row:
    async with scene(name, store, folder, seed, SHORT_LEASES, paced(round(turn * RATE), RATE)) as stage:
        server = await stage.installation.start()
        for _ in range(times):
            await stage.top_up(server, debates=2)
            heads = {conversation: len(rows) for conversation, rows in store.log().items()}
            await until(store, partial(_all_speak, heads=heads))
            server = await _farewell(stage, server)
        await stage.end()
        return stage.row


async def _farewell(stage: Scene, server: Server) -> Server:
    asked = time.time()
    code = await stage.installation.stop(server)
    stage.row.notes.append(f"    exit after {time.time() - asked:.1f} s")
    if code != 0:
        stage.row.found([f"exit code {code}; 0 is promised"])
    log, standings = stage.store.log(), stage.store.standings()
    left = Kill(asked, log, standings, {pk for pk, it in standings.items() if not it.has_ended})
    stage.row.tried += 1
    stage.row.found(
        [
            f"{pk} keeps a lease"
            for pk, it in standings.items()
            if it.lease_until is not None and not it.has_ended
        ]
    )
    cut = [pk for pk, rows in log.items() if not standings[pk].has_ended and audit.unfinished(rows)]
    stage.row.notes += [f"    cut in mid-turn: {pk}" for pk in cut]
    server = await stage.installation.start()
    left.at = server.ready_at
    stage.kills.append(left)
    if not await until(stage.store, left.is_over):
        stage.row.found(["not all debates went on"])
    stage.row.found(audit.altered(log, stage.store.log()), lost=True)
    return server


def _all_speak(log: Log, standings: Standings, heads: dict[str, int]) -> bool:
    return all(
        any(row.type == "token" and row.seq > heads.get(pk, 0) for row in log.get(pk, []))
        for pk, it in standings.items()
        if not it.has_ended
    )
