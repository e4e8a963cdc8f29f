"""What other programs say, in our log: no secrets, no forged lines, no commands to a terminal."""

import io
import logging
import os
from collections.abc import Iterator

import pytest
import structlog

from config.observability import logs
from config.observability.log_cleaning import secrets

KEY = "sk-testsecretkey1234567890"
ENVIRONMENT = {
    "OPENAI_API_KEY": "hunter2-hunter2",
    "DATABASE_URL": "postgresql://outcry:p%40ssw0rd-1@db/outcry",
    "OUTCRY_A2A_SECRET": "correct horse battery staple",
    "OUTCRY_METRICS_TOKEN": "short",
    "OUTCRY_MAX_TOKENS_PER_DAY": "10000000",
}
HOSTILE = (
    f"401 for Authorization: Bearer {KEY}\n2026-01-01T00:00:00Z [info     ] FAKE LOG LINE\r\x1b[31m\u2028\u202ered"
    "\u2066 hunter2-hunter2 django-insecure-key p@ssw0rd-1 p%40ssw0rd-1 correct horse battery staple oc_abcdefgh_"
    "0123456789012345678901234567890123456789012 bearer abcdefghijk BEARER lmnopqrstuv"
)
SECRETS = (KEY, "hunter2", "insecure-key", "ssw0rd-1", "staple", "_0123456789", "abcdefghijk", "lmnopqrstuv")


@pytest.fixture(params=[False, True], ids=["text", "json"])
def log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process with this environment writes in each format."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    written = io.StringIO()
    formatter = logs.formatter(json=request.param, known=["django-insecure-key"])
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    logger = logging.getLogger("tests.log_cleaning")
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


def test_a_providers_error_leaves_no_secret_and_forges_no_line(log: io.StringIO) -> None:
    logger = structlog.get_logger("tests.log_cleaning")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logger.exception(
            "turn_failed",
            provider="openai",
            said=HOSTILE,
            all=[HOSTILE, {"a": HOSTILE}],
            cause=OSError(HOSTILE),
        )
        logging.getLogger("tests.log_cleaning").error("of a library: %s", HOSTILE, exc_info=True)
    text = log.getvalue()
    for secret in SECRETS:
        assert secret not in text
    assert "[redacted]" in text
    assert not {"\x1b", "\r", "\u2028", "\u202e", "\u2066"} & set(text)
    assert "turn_failed" in text
    assert "Traceback" in text
    # Two lines of the log; all others are a traceback's.
    assert len([line for line in text.splitlines() if not line.startswith("    ")]) == 2


def test_secrets_are_known_by_name_and_in_urls() -> None:
    assert secrets(ENVIRONMENT) == [
        "correct horse battery staple",
        "hunter2-hunter2",
        "p%40ssw0rd-1",
        "p@ssw0rd-1",
    ]
    assert os.environ.get("PATH") not in secrets(os.environ)
