"""People with passwords, and rate limits that no other test has counted in."""

from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

PASSWORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _alone(settings: Settings) -> None:
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(uuid4())}}


def with_password(name: str, **how: bool) -> User:
    """Somebody with a password and a confirmed address."""
    made: User = User.objects.create_user(name, f"{name}@example.com", PASSWORD, **how)
    EmailAddress.objects.create(user=made, email=made.email, primary=True, verified=True)
    return made


@pytest.fixture
def dora(transactional_db: None) -> User:
    return with_password("dora")


@pytest.fixture
def signed_in(client: Client, dora: User) -> Client:
    """By the page, as a person does it."""
    client.post(reverse("account_login"), {"login": dora.username, "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(dora.pk)
    return client
