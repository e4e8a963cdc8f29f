"""`make chaos`: kills, freezes and starves real processes in the middle of debates, and writes what came of it to
docs/reliability.md. Exits 1 if anything stored was lost or altered, a debate did not end, or a promise was not kept.

Every moment is drawn from --seed, which is printed. It uses this machine's loopback and temporary folders only.
"""

import argparse
import asyncio
import os
import random
import sys
import time

from tests.support import servers  # first: it gives the environment that settings are read from

# The parts of `reliability.chaos.suite`, which needs Django set up.
PARTS = ("kills", "two", "providers", "sigterm", "outages", "local", "disk", "cluster")


def main() -> int:
    options = _options()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()

    from reliability.chaos import report, suite

    parts = options.part or list(PARTS)
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    sections = {}
    with servers.folder("chaos") as folder:
        for part in parts:
            print(f"{part} ...", flush=True)
            started = time.monotonic()
            sections[part] = asyncio.run(suite.run(part, folder, options.seed, options.scale))
            minutes = (time.monotonic() - started) / 60
            report.write(part, sections[part], seed=options.seed, scale=options.scale, minutes=minutes)
    minutes = (time.monotonic() - began) / 60
    rows = [row for section in sections.values() for row in section]
    broken = [row for row in rows if row.problems or row.lost]
    print(f"\n{len(rows) - len(broken)} of {len(rows)} rows as promised, in {minutes:.0f} minutes")
    for row in broken:
        print(row)
    return int(bool(broken))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all that is random"
    )
    parser.add_argument(
        "--scale", type=float, default=1, help="of how often each fault is tried (default: %(default)s)"
    )
    options = parser.parse_args()
    if unknown := set(options.part) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
