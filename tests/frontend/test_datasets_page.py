"""The page on which people delete their datasets."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conversations.models import ConversationDataset, Dataset
from tests.frontend.pages import page_data, text
from tests.support import belongings

pytestmark = pytest.mark.django_db

DATASETS = "/account/datasets/"


def test_dataset_is_deleted_after_its_debates_were_named(signed_in: Client, alice: User) -> None:
    used = ConversationDataset.objects.get(conversation=belongings.debate(alice))
    page = text(signed_in.get(DATASETS))
    for shown in ("secret.csv", "1 debate", f"/conversations/{used.conversation_id}/", "What was said stays"):
        assert shown in page
    answer = signed_in.post(DATASETS, {"dataset": used.dataset_id}, follow=True)
    assert "Data deleted." in text(answer)
    assert "No datasets yet." in text(answer)
    assert not Dataset.objects.exists()
    again = signed_in.post(DATASETS, {"dataset": used.dataset_id}, follow=True)
    assert "already deleted" in text(again)


def test_dataset_of_somebody_else_is_neither_shown_nor_deleted(signed_in: Client, bob: User) -> None:
    theirs = belongings.dataset(bob)
    assert "secret.csv" not in text(signed_in.get(DATASETS))
    signed_in.post(DATASETS, {"dataset": theirs.pk})
    assert Dataset.objects.filter(pk=theirs.pk).exists()
    form = text(signed_in.get(f"/dashboard?dataset={theirs.pk}"))
    assert page_data(form, "texts")["datasets"] == []


def test_new_debate_begins_with_the_chosen_dataset(signed_in: Client, alice: User) -> None:
    own = belongings.dataset(alice)
    form = text(signed_in.get(f"/dashboard?dataset={own.pk}"))
    assert [each["name"] for each in page_data(form, "texts")["datasets"]] == ["secret.csv"]
    assert 'data-max-table-mb="200"' in form
