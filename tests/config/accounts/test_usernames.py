"""Names that pass for others are refused, where people choose them and where administrators write them."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from config.accounts import usernames
from config.accounts.adapters import AccountAdapter
from conversations.domain.panels import PANELS
from tests.config.accounts.conftest import PASSWORD
from tests.support.sessions import confirm

RESERVED = (
    *("Moderator", "moderator", "MODERATOR", "M0derator", "moderator2", "modérator", "Moder.ator"),
    *("Financial.Analyst", "financial_analyst", "FinancialAnalyst", "Fina-ncial.Ana1yst"),
    *("admin", "Admin_", "adm1n", "administrator", "support", "Outcry", "0utcry", "system", "root", "staff"),
    # A dotless i, an alpha, a small capital, a stroke, and pairs that are read as one letter.
    *("adm\u0131n", "\u0251dmin", "sup\u1d18ort", "m\u00f8derator", "rnoderator", "adrnin", "vvebmaster"),
)
LOOK_ALIKES = {
    "\u0430da": "Cyrillic a among Latin letters",
    "ad\u03b1": "Greek alpha among Latin letters",
    "\uff41da": "full-width a",
    "ada\u2160": "a Roman numeral as one character",
    "\u210dans": "a mathematical letter",
    "\u13aada": "a Cherokee letter",
    "m\u0e50derator": "a Thai zero",
    "m\u0966derator": "a zero of Devanagari",
    "b\u3007b": "an ideographic zero",
}
PLAIN = (
    "ada",
    "Ada.Lovelace",
    "ada+1",
    "zoë",
    "müller",
    "анна",
    "λαμπρος",
    "山田はなこ",
    "김철수",
    "ada1815",
    "bernard",
    "bj\u00f8rn",
    "\u0e2a\u0e21\u0e0a\u0e32\u0e22\u0e51\u0e52",
    "\u0639\u0644\u06cc\u06f1\u06f2",
    "\u4e8c\u3007\u4e8c\u516d",
    "o_o",
)


def sign_up(client: Client, name: str) -> Any:
    fields = {"username": name, "email": "emil@example.com", "password1": PASSWORD, "password2": PASSWORD}
    return client.post(reverse("account_signup"), fields)


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_of_an_agent_or_of_the_staff_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="reserved"):
        usernames.validate(name)


def test_every_agent_of_every_panel_has_its_name_to_itself() -> None:
    for panel in PANELS.values():
        for agent in panel.agents:
            with pytest.raises(ValidationError, match="reserved"):
                usernames.validate(agent.name.replace(" ", ""))


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_name_that_looks_like_another_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="letters"):
        usernames.validate(name)


@pytest.mark.parametrize("name", PLAIN)
def test_names_of_any_one_writing_system_are_taken(name: str) -> None:
    usernames.validate(name)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Moderator", "\u0430da", "\uff41da"])
def test_nobody_signs_up_under_such_a_name(client: Client, name: str) -> None:
    answer = sign_up(client, name)
    assert 'id="id_username_error"' in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_provider_s_name_is_replaced_by_another() -> None:
    assert AccountAdapter().generate_unique_username(["Moderator", "ada"]) == "ada"
    assert AccountAdapter().generate_unique_username(["Moderator", "user"]) == "user"


@pytest.mark.parametrize(("name", "taken"), [("support", True), ("\u0430da", False), ("\uff41da", False)])
def test_administrators_may_give_reserved_names_but_no_look_alikes(
    client: Client, dora: User, name: str, taken: bool
) -> None:
    User.objects.filter(pk=dora.pk).update(is_staff=True, is_superuser=True)
    client.force_login(dora)
    confirm(client, dora)
    added = {"username": name, "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    client.post(reverse("admin:auth_user_add"), added)
    assert User.objects.filter(username=name).exists() is taken
    emil = User.objects.create_user("emil")
    page = reverse("admin:auth_user_change", args=[emil.pk])
    renamed = {"username": f"{name}x", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    client.post(page, renamed)
    emil.refresh_from_db()
    assert (emil.username == f"{name}x") is taken
