"""The words of allauth's pages, which are this site's by a catalogue of translations."""

import gettext
import re
from ast import literal_eval
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scripts.places import ROOT

CATALOGUE = ROOT / "config" / "locale" / "en" / "LC_MESSAGES"
# Two words in capitals, such as "Sign In", that are no name.
TITLE_CASE = re.compile(r"<(?:h1|h2|button|title)[^>]*>[^<]*[a-z]+[ -](?!Outcry)[A-Z][a-z]+[^<]*<")


def entries(file: Path) -> dict[str, str]:
    found = re.findall(r"^msgid (\".+\")\nmsgstr (\".*\")$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {literal_eval(text): literal_eval(words) for text, words in found}


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    with (CATALOGUE / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    words = entries(CATALOGUE / "django.po")
    assert len(words) > 40
    assert {text: compiled.gettext(text) for text in words} == words


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        *("account_login", "account_signup", "account_reset_password", "account_reset_password_done"),
        *("account_email", "account_change_password", "account_logout", "mfa_index", "usersessions_list"),
        *("socialaccount_connections", "socialaccount_login_cancelled", "socialaccount_login_error"),
    ],
)
def test_titles_and_buttons_are_in_sentence_case(client: Client, dora: User, name: str) -> None:
    address = reverse(name)
    for page in (client.get(address), _signed_in(client, dora).get(address)):
        if page.status_code == 200:
            assert not TITLE_CASE.search(page.content.decode())


def _signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client
