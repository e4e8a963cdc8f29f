"""Every table that holds something about people or conversations is known to exports and erasures."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Model

from conversations.models import Conversation
from conversations.privacy import inventory

# PostgreSQL has tables of its own.
pytestmark = pytest.mark.django_db


def related(model: type[Model]) -> Iterator[type[Model]]:
    """The models that this one's own columns refer to."""
    for field in model._meta.get_fields():
        if field.concrete and field.is_relation and isinstance(field.related_model, type):
            yield field.related_model


def test_each_table_with_a_way_to_a_person_is_listed() -> None:
    models = apps.get_models(include_auto_created=True)
    personal: set[type[Model]] = {User, Conversation}
    while found := {model for model in models if personal & {*related(model)}} - personal:
        personal |= found
    assert {model._meta.label for model in personal} - {*inventory.TABLES} == set()


def test_each_other_table_is_known_to_hold_nothing() -> None:
    labels = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert labels - {*inventory.TABLES} - inventory.IMPERSONAL == set()
    assert {*inventory.TABLES} <= labels
    assert not {*inventory.TABLES} & inventory.IMPERSONAL
