"""The certificates that connections to providers are checked against."""

import ssl
from functools import cache


@cache
def context() -> ssl.SSLContext:
    """The system's CA certificates. Read once in a process: it takes 17 ms, and every turn connects anew."""
    return ssl.create_default_context()
