"""A person about whom everything is stored that can be."""

import pytest
from django.contrib.auth.models import User

from tests.support import belongings, debates


@pytest.fixture
def someone(carol: User, bob: User) -> User:
    """Somebody with a row in every table."""
    user = belongings.person()
    belongings.debate(user)
    belongings.traces(user, carol, debates.create(bob))
    return user
