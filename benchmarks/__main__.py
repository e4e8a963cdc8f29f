"""`make bench`: measurements, as tables. Exits 1 if Outcry loses, doubles or alters a token; never for its speed.

live        whole debates: from a model's socket through AG2, the log and the site to the watchers
transports  one debate on each transport, beside a plain broadcast
delivery    from the log to many watchers: fan-out, many conversations, stalled watchers, a storm of reconnections
search      words in the history of one person, on SQLite, beside a plain scan
figures     labels of figures: how many are right, and how long they take
snapshots   records of figures: how long they take to freeze, and that none knows the future
labels      labels of figures while many debates speak: when they are stored, beside debates without a record
routing     answers that are routed and call a tool, beside answers that are not and do not
page        a long debate in a browser: the longest time that its page does not answer

Clocks of shared machines are noisy: read the figures as ratios of the rows, which one run makes.
"""

import argparse
import sys
from typing import Final

from benchmarks import figures, labels, live, live_table, page, routing, search, snapshots, transports
from benchmarks.delivery import bench
from benchmarks.delivery.cases import CASES, SERVERS

PARTS: Final = (
    "live", "transports", "delivery", "search", "figures", "snapshots", "labels", "routing", "page", "all",
)  # fmt: skip


def main() -> int:
    options = _options()
    is_intact = True
    if options.part in {"transports", "all"}:
        watched = transports.Load(100, options.rate, options.tokens)
        found = transports.run(watched)
        transports.show(watched, found)
        is_intact &= not any(row.lost for row in found)
    if options.part in {"live", "all"}:
        load = live.Load(options.debates, options.watchers, options.rate, options.tokens)
        rows = live.run(load, options.redis)
        live_table.show(load, rows)
        is_intact &= not any(row.lost or row.doubled or row.altered for row in rows)
    if options.part in {"delivery", "all"}:
        cases, servers = options.case or list(CASES), options.server or list(SERVERS)
        is_intact &= bench.run(cases, servers, options.seconds, options.rounds)
    if options.part in {"search", "all"}:
        search.show(options.history, search.run(options.history))
    if options.part in {"figures", "all"}:
        figures.show(figures.run())
    if options.part in {"snapshots", "all"}:
        snapshots.show(snapshots.run())
    if options.part in {"labels", "all"}:
        labels.show(labels.run(options.debates, options.rate, options.tokens))
    if options.part in {"routing", "all"}:
        routing.show(routing.run(options.debates, options.rate, options.tokens))
    if options.part in {"page", "all"}:
        read = page.Load(options.messages, options.characters)
        page.show(read, page.run(read))
    return int(not is_intact)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "part",
        nargs="?",
        choices=PARTS,
        default="all",
        help="default: %(default)s",
    )
    group = parser.add_argument_group("live, labels and routing")
    group.add_argument("--debates", type=int, default=50, help="at once (default: %(default)s)")
    group.add_argument("--watchers", type=int, default=2, help="of each debate (default: %(default)s)")
    group.add_argument(
        "--rate", type=float, default=50, help="tokens a second of each debate (default: %(default)s)"
    )
    group.add_argument(
        "--tokens", type=int, default=200, help="a turn; a debate has 3 (default: %(default)s)"
    )
    group.add_argument(
        "--redis", default="", metavar="URL", help="Outcry's channel layer; in memory if not given"
    )
    group = parser.add_argument_group("delivery")
    group.add_argument("--case", action="append", choices=CASES, help="may be given again (default: all)")
    group.add_argument("--server", action="append", choices=SERVERS, help="may be given again (default: all)")
    group.add_argument("--seconds", type=float, default=15, help="of speaking (default: %(default)s)")
    group.add_argument("--rounds", type=int, default=1, help="medians are shown (default: %(default)s)")
    group = parser.add_argument_group("search")
    group.add_argument(
        "--history", type=int, default=10_000, help="debates of the person (default: %(default)s)"
    )
    group = parser.add_argument_group("page")
    group.add_argument("--messages", type=int, default=200, help="of the debate (default: %(default)s)")
    group.add_argument("--characters", type=int, default=8_000, help="a message (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
