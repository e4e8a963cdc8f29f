"""Where the transports are: none may hide another, or the site's own addresses."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLResolver, get_resolver

from config.env import transports
from streaming.monitoring.probes import PROBES
from tests.support.settings import read

DEFAULT = {"sse": "api/conversations/", "openai": "api/v1/", "agui": "ag-ui/", "a2a": "a2a/"}


def test_the_defaults_are_apart() -> None:
    transports.require_apart(transports.TRANSPORTS, **DEFAULT)


@pytest.mark.parametrize(
    "paths",
    [
        {"a2a": "api/agents/"},
        {"openai": "v1/", "agui": "v1.1/"},
        {"sse": "events/"},
        {"agui": "administration/"},
    ],
)
def test_other_paths_may_be_anywhere_else(paths: dict[str, str]) -> None:
    transports.require_apart(transports.TRANSPORTS, **{**DEFAULT, **paths})


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        ({"agui": "a2a/"}, ["OUTCRY_AGUI_PATH=a2a/", "OUTCRY_A2A_PATH=a2a/"]),
        ({"openai": "a2a/v1/"}, ["OUTCRY_OPENAI_PATH=a2a/v1/", "OUTCRY_A2A_PATH=a2a/"]),
        ({"a2a": "x/", "sse": "x/y/"}, ["OUTCRY_A2A_PATH=x/", "OUTCRY_SSE_PATH=x/y/"]),
    ],
)
def test_two_transports_that_overlap_are_both_named(paths: dict[str, str], named: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        transports.require_apart(transports.TRANSPORTS, **{**DEFAULT, **paths})
    assert all(name in str(refused.value) for name in named)


@pytest.mark.parametrize("name", ["openai", "agui", "a2a"])
@pytest.mark.parametrize(
    "path", ["api/", "admin/", "accounts/agents/", "api/conversations/", "api/keys/x/", "static/"]
)
def test_the_sites_own_addresses_are_not_hidden(name: str, path: str) -> None:
    with pytest.raises(
        ImproperlyConfigured, match=f"OUTCRY_{name.upper()}_PATH={path} would hide the site's"
    ):
        transports.require_apart([name], **{name: path})


def test_a_transport_that_is_off_hides_nothing() -> None:
    transports.require_apart(["sse", "openai"], **{**DEFAULT, "agui": "admin/", "a2a": "api/v1/"})


def test_every_address_of_the_site_is_among_its_own() -> None:
    below = {str(pattern.pattern): pattern for pattern in get_resolver().url_patterns}
    routes = [*below, *PROBES]
    for prefix in ("", "api/"):
        part = below[prefix]
        assert isinstance(part, URLResolver)
        routes += [f"{prefix}{pattern.pattern}" for pattern in part.url_patterns]
    addresses = {f"{route.strip('/')}/" for route in routes} - {"/", "api/"}
    assert {address for address in addresses if not address.startswith(transports.OWN_PATHS)} == set()


def test_path_that_hides_others_stops_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ImproperlyConfigured, match="OUTCRY_A2A_PATH=api/ would hide the site's own addresses"
    ):
        read(monkeypatch, tmp_path, {"OUTCRY_A2A_PATH": "api/"})
