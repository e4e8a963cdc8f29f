"""Ports for temporary servers."""

import contextlib
import secrets
import socket


def free_port() -> int:
    """A free port of the loopback interface, below the range that outgoing connections use."""
    while True:
        # Not from `random`: pytest-randomly gives parallel processes the same seed.
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
