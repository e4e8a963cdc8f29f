"""nginx in front of the web processes: its configuration, from deploy/nginx.conf.template."""

import os
from collections.abc import Iterable
from pathlib import Path
from string import Template

from scripts.places import ROOT

TEMPLATE = ROOT / "deploy" / "nginx.conf.template"


def configuration(
    listen: str,
    upstreams: Iterable[str],
    folder: Path,
    *,
    connections: int = 1_000,
    requests: int = 100,
) -> str:
    """The text of nginx.conf. `listen` and `upstreams` are HOST:PORT; `folder` must exist and be writable for nginx.
    `connections` at once and `requests` a second are allowed to one address."""
    values = {
        "OUTCRY_LISTEN": listen,
        "OUTCRY_UPSTREAMS": "\n        ".join(f"server {address} max_fails=0;" for address in upstreams),
        "OUTCRY_RUN": str(folder),
        "OUTCRY_TLS": "",
        "OUTCRY_SCHEME": "$scheme",
        "OUTCRY_ADDRESS_CONNECTIONS": str(connections),
        "OUTCRY_ADDRESS_REQUESTS": str(requests),
    }
    # safe_substitute leaves nginx's own $variables alone.
    return Template(TEMPLATE.read_text(encoding="utf-8")).safe_substitute(values)


def command(nginx: Path, folder: Path, file: Path) -> list[str]:
    """The command that runs nginx in the foreground. SIGQUIT finishes open requests, SIGTERM does not."""
    # Started as root, its workers would run as a user who may not read the folder.
    user = " user root;" if os.geteuid() == 0 else ""
    # A connection is an open file; raise the soft limit to the hard one.
    more_files = ["sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh"]
    options = ["-e", "stderr", "-p", str(folder), "-c", str(file), "-g", f"daemon off;{user}"]
    return [*more_files, str(nginx), *options]
