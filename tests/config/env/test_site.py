"""OUTCRY_SITE_URL: an origin, and nothing that a link could be added to wrongly."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env.site import site_url


@pytest.mark.parametrize(
    ("given", "port", "expected"),
    [
        ("https://outcry.example/", "", "https://outcry.example"),
        ("http://[::1]:8000", "", "http://[::1]:8000"),
        ("", "", "http://127.0.0.1:8000"),
        ("", "8041", "http://127.0.0.1:8041"),
    ],
)
def test_the_site_url_is_an_origin_without_a_slash(
    monkeypatch: pytest.MonkeyPatch, given: str, port: str, expected: str
) -> None:
    monkeypatch.setenv("OUTCRY_SITE_URL", given)
    monkeypatch.setenv("PORT", port)
    assert site_url() == expected


@pytest.mark.parametrize(
    "given",
    [
        "outcry.example",
        "ftp://outcry.example",
        "https://outcry.example/path",
        "https://a@b.example",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("OUTCRY_SITE_URL", given)
    with pytest.raises(ImproperlyConfigured, match="OUTCRY_SITE_URL="):
        site_url()
