"""nginx before the web processes: its configuration, from deploy/nginx.conf.template."""

import os
from collections.abc import Iterable
from pathlib import Path
from string import Template

from scripts.places import ROOT

TEMPLATE = ROOT / "deploy" / "nginx.conf.template"


def configuration(
    listen: str, upstreams: Iterable[str], folder: Path, *, tls: str = "", scheme: str = "$scheme"
) -> str:
    """`listen` and `upstreams` are HOST:PORT; `folder` has to exist, and nginx may write to it; `tls` is nginx's own
    lines for the certificate. See `command`.
    """
    values = {
        "OUTCRY_LISTEN": listen,
        "OUTCRY_UPSTREAMS": "\n        ".join(f"server {address} max_fails=0;" for address in upstreams),
        "OUTCRY_RUN": str(folder),
        "OUTCRY_TLS": tls,
        "OUTCRY_SCHEME": scheme,
    }
    # What is left is nginx's own.
    return Template(TEMPLATE.read_text(encoding="utf-8")).safe_substitute(values)


def command(nginx: Path, folder: Path, file: Path) -> list[str]:
    """Runs it in the foreground; SIGQUIT lets what is being answered come to its end, SIGTERM does not."""
    # Started by root, it would work as somebody who may not look into the folder.
    user = " user root;" if os.geteuid() == 0 else ""
    # A connection is an open file, and shells allow few of them until they are asked for more.
    more_files = ["sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh"]
    options = ["-e", "stderr", "-p", str(folder), "-c", str(file), "-g", f"daemon off;{user}"]
    return [*more_files, str(nginx), *options]
