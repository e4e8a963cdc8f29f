"""The pages of the teams that people compose, and where other pages offer these."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conversations.domain.panels import PANELS
from conversations.services import panels
from tests.frontend.pages import page_data, text

pytestmark = pytest.mark.django_db

COMMITTEE: dict[str, Any] = {
    "name": "Committee <b>",
    "rounds": 3,
    "agents": [{"name": "Value", "instructions": "Argue from value.", "color": 5}],
    "judge": None,
}


@pytest.fixture
def committee(alice: User) -> UUID:
    return panels.create(alice, COMMITTEE).panel_id


def test_the_list_has_ones_own_teams_and_the_templates(signed_in: Client, committee: UUID) -> None:
    page = text(signed_in.get(reverse("teams")))
    assert "Committee &lt;b&gt;" in page
    assert f"{reverse('dashboard')}?panel={committee}" in page
    for template in panels.templates():
        assert f"{reverse('new_team')}?from={template['slug']}" in page


def test_a_new_team_begins_blank_or_with_a_template(signed_in: Client) -> None:
    blank = page_data(text(signed_in.get(reverse("new_team"))), "team")
    assert (blank["saved"], blank["template"]) == (None, None)
    for template in panels.templates():
        address = f"{reverse('new_team')}?from={template['slug']}"
        assert page_data(text(signed_in.get(address)), "team")["template"] == template


def test_the_editor_has_the_newest_version(signed_in: Client, alice: User, committee: UUID) -> None:
    panels.change(alice, committee, {**COMMITTEE, "rounds": 4}, 1)
    saved = page_data(text(signed_in.get(reverse("team", args=[committee]))), "team")["saved"]
    assert (saved["id"], saved["version"], saved["panel"]["rounds"]) == (str(committee), 2, 4)


def test_a_stranger_gets_no_team(bob: User, committee: UUID) -> None:
    stranger = Client()
    stranger.force_login(bob)
    assert stranger.get(reverse("team", args=[committee])).status_code == 404
    assert str(committee) not in text(stranger.get(reverse("teams")))
    assert str(committee) not in text(stranger.get(reverse("dashboard")))


def test_the_form_offers_ones_own_teams(signed_in: Client, committee: UUID) -> None:
    page = text(signed_in.get(f"{reverse('dashboard')}?panel={committee}"))
    assert (
        f'<option value="{committee}" data-rounds="3" data-agents="Value">Committee &lt;b&gt;</option>'
        in page
    )
    assert f'data-panel="{committee}"' in page
    for panel in PANELS.values():
        assert f'<option value="{panel.slug}"' in page
