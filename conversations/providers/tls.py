"""The CA certificates for connections to providers."""

import ssl
from functools import cache


@cache
def context() -> ssl.SSLContext:
    """A TLS context with the system's CA certificates. Cached, because it takes 17 ms and every turn makes a
    connection."""
    return ssl.create_default_context()
