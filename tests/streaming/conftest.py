"""What most tests of live delivery need."""

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation
from tests import debates


@pytest.fixture
def conversation(alice: User) -> Conversation:
    """A queued conversation of hers; its log holds one event."""
    return debates.create(alice)
