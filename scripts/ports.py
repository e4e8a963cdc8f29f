"""Ports for servers that are started for a while."""

import contextlib
import secrets
import socket


def free_port() -> int:
    """A port of loopback that nothing listens on now, and that no outgoing connection is given later."""
    while True:
        # Not from `random`: who runs side by side may have the same seed.
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
