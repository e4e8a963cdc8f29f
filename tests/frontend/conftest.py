"""Pages are tested without the built front end."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_vite.core.asset_loader import (  # type: ignore[import-untyped]
    DjangoViteAppClient,
    DjangoViteAssetLoader,
    DjangoViteConfig,
)

ENTRIES = [
    f"src/pages/{name}.ts"
    for name in ("main", "account", "dashboard", "forms", "history", "live", "monitor", "teams")
]


@pytest.fixture(autouse=True)
def _built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """django-vite finds its files in this manifest."""
    path = tmp_path / "manifest.json"
    entries = {name: {"file": f"assets/{name[4:-3]}.js", "src": name, "isEntry": True} for name in ENTRIES}
    path.write_text(json.dumps(entries))
    config = DjangoViteConfig(manifest_path=str(path))
    monkeypatch.setitem(DjangoViteAssetLoader.instance()._apps, "default", DjangoViteAppClient(config))


@pytest.fixture
def signed_in(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client
