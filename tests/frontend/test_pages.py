"""The pages, as a person's browser gets them."""

import json
import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conversations.domain.enums import Mode, Status
from conversations.domain.errors import ProviderError
from conversations.domain.events import EVENTS
from conversations.domain.panels import PANELS
from conversations.models import Conversation
from conversations.providers import circuit_breaker
from conversations.providers.catalog import parse
from frontend.templatetags.debates import money
from streaming.wire.event_schema import event_schema
from tests.frontend.pages import page_data, text

pytestmark = pytest.mark.django_db


def debate(owner: User, **fields: Any) -> Conversation:
    values: dict[str, Any] = {"topic": "Is it a buy?", "status": Status.COMPLETED, **fields}
    return Conversation.objects.create(owner=owner, **values)


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    for address in (reverse("dashboard"), reverse("conversation", args=[uuid.uuid4()])):
        response = client.get(address)
        assert (response.status_code, response["Location"]) == (
            302,
            f"{reverse('account_login')}?next={address}",
        )


@pytest.mark.parametrize("address", ["/", "/dashboard/"])
def test_the_root_leads_to_the_dashboard(client: Client, address: str) -> None:
    assert client.get(f"{address}?again=1")["Location"] == "/dashboard?again=1"


def test_the_sidebar_stands_on_every_page_but_that_of_a_stranger(signed_in: Client) -> None:
    for name in ("dashboard", "api_keys", "settings"):
        assert page_data(text(signed_in.get(reverse(name))), "history")["newUrl"] == reverse("dashboard")
    assert "outcry-history" not in text(Client().get(reverse("account_login")))


def test_a_closed_sidebar_stays_closed(signed_in: Client) -> None:
    signed_in.cookies["sidebar"] = "closed"
    assert '<body data-sidebar="closed">' in text(signed_in.get(reverse("dashboard")))


def test_the_form_offers_what_there_is(signed_in: Client) -> None:
    page = text(signed_in.get("/dashboard"))
    for hook in ("topic-input", "content-input", "rounds-input", "start-conversation"):
        assert f'data-testid="{hook}"' in page
    for panel in PANELS.values():
        assert f'value="{panel.slug}"' in page
        for agent in panel.agents:
            assert agent.name in page
    assert 'name="csrfmiddlewaretoken"' in page


def test_a_debate_can_be_asked_again_by_who_may_see_it(signed_in: Client, alice: User, bob: User) -> None:
    own = debate(alice, topic="Mine & <mine>", content="Figures", content_type="news", rounds=4)
    page = text(signed_in.get(f"/dashboard?again={own.pk}"))
    for shown in (
        "Mine &amp; &lt;mine&gt;</textarea>",
        'value="news" selected',
        'value="4"',
    ):
        assert shown in page
    assert page_data(page, "texts") == {"content": "Figures", "sources": [], "datasets": [], "follows": None}
    foreign = debate(bob, topic="Not yours")
    for again in (foreign.pk, uuid.uuid4(), "nonsense"):
        assert "Not yours" not in text(signed_in.get(f"/dashboard?again={again}"))


def test_the_form_names_the_sites_own_limits(signed_in: Client, settings: Settings) -> None:
    settings.OUTCRY_MAX_USD_PER_CONVERSATION = 0.5
    settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION = 200_000
    settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION = 90
    page = text(signed_in.get("/dashboard"))
    for shown in (
        "At most $0.50 on this site.",
        "At most 200,000 on this site.",
        "At most 1.5 on this site.",
    ):
        assert shown in page
    assert re.search(r'name="max_seconds"[^>]* max="1.5"', page)
    settings.OUTCRY_MAX_USD_PER_CONVERSATION = settings.OUTCRY_MAX_TOKENS_PER_CONVERSATION = None
    settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION = None
    assert "on this site" not in text(signed_in.get("/dashboard"))


def test_a_debate_asked_again_keeps_the_limits_that_somebody_set(
    signed_in: Client, alice: User, settings: Settings
) -> None:
    settings.OUTCRY_MAX_SECONDS_PER_CONVERSATION = 3600
    own = debate(alice, max_usd=Decimal("0.25"), max_tokens=5_000, max_seconds=3600)
    page = text(signed_in.get(f"/dashboard?again={own.pk}"))
    held = {name: re.search(rf'name="{name}"[^>]* value="([^"]*)"', page) for name in LIMIT_FIELDS}
    assert [found and found[1] for found in held.values()] == ["0.25", "5000", ""]


LIMIT_FIELDS = ("max_usd", "max_tokens", "max_seconds")


@pytest.mark.parametrize(
    ("providers", "fallback", "failed", "said"),
    [
        (
            ["openai:one", "local"],
            True,
            ["openai:one", "local"],
            "A new debate would show a scripted demo.",
        ),
        (
            ["openai:one", "local"],
            False,
            ["openai:one", "local"],
            "A new debate would probably fail.",
        ),
        (["openai:one", "local"], True, ["openai:one"], None),
        (["demo"], True, [], None),
    ],
)
def test_the_dashboard_says_when_no_real_model_answers(
    signed_in: Client,
    settings: Settings,
    providers: list[str],
    fallback: bool,
    failed: list[str],
    said: str | None,
) -> None:
    settings.OUTCRY_PROVIDERS, settings.OUTCRY_DEMO_FALLBACK = providers, fallback
    for entry in failed:
        failure = ProviderError("provider_unreachable", "It failed.", retryable=True)
        async_to_sync(circuit_breaker.failed)(parse(entry), failure)
    page = text(signed_in.get("/dashboard"))
    assert ("AI models are unavailable." in page) is (said is not None)
    assert said is None or said in page


def test_the_live_page_tells_the_browser_where_to_listen(signed_in: Client, alice: User) -> None:
    own = debate(alice, topic="</script><script>alert(1)</script>", status=Status.QUEUED, rounds=3)
    page = text(signed_in.get(own.get_absolute_url()))
    assert "<script>alert" not in page
    data = page_data(page, "debate")
    assert data["topic"] == own.topic
    assert data["wsUrl"] == f"/ws/conversations/{own.pk}/"
    assert (data["rounds"], data["status"], data["mode"]) == (3, "queued", "live")
    assert [agent["role"] for agent in data["agents"]][-1] == "moderator"


def test_the_live_page_says_what_its_reader_may_do(client: Client, alice: User, carol: User) -> None:
    own = debate(alice)
    rights = {}
    for who, permissions in (("owner", ()), ("reviewer", ()), ("controller", ("control_conversation",))):
        person = alice if who == "owner" else carol
        person.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
        client.force_login(person)
        data = page_data(text(client.get(own.get_absolute_url())), "debate")
        rights[who] = (data["canControl"], data["canSpeak"])
        assert (data["reviewUrl"] is None) is (person is alice)
    assert rights == {"owner": (True, True), "reviewer": (False, False), "controller": (True, False)}


def test_only_its_owner_may_start_a_debate_again(client: Client, alice: User, carol: User) -> None:
    own = debate(alice, mode=Mode.DEMO)
    carol.user_permissions.add(Permission.objects.get(codename="control_conversation"))
    for person, may in ((alice, True), (carol, False)):
        client.force_login(person)
        data = page_data(text(client.get(own.get_absolute_url())), "debate")
        assert data["canSpeak"] is may
        answer = client.post(data["apiUrl"] + "again", {}, "application/json")
        assert answer.status_code == (201 if may else 403)


def test_the_live_page_knows_the_debates_limits(signed_in: Client, alice: User) -> None:
    own = debate(alice, max_usd=Decimal("0.25"), max_seconds=600)
    data = page_data(text(signed_in.get(own.get_absolute_url())), "debate")
    assert data["limits"] == {"usd": 0.25, "tokens": None, "seconds": 600}


def test_the_live_page_can_send_commands_by_a_request(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    own = debate(alice, status=Status.COMPLETED)
    page = text(strict.get(own.get_absolute_url()))
    data = page_data(page, "debate")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    body = json.dumps({"action": "pause"})
    address = data["apiUrl"] + "control"
    refused = strict.post(address, body, content_type="application/json")
    heard = strict.post(address, body, content_type="application/json", headers={"X-CSRFToken": token[1]})
    # Too late to pause it: but it was heard.
    assert (refused.status_code, heard.status_code) == (403, 409)
    assert heard.json()["message"]


def test_a_demo_says_so_in_its_title(signed_in: Client, alice: User) -> None:
    assert "<title>Demo: " in text(signed_in.get(debate(alice, mode=Mode.DEMO).get_absolute_url()))


def test_somebody_elses_debate_is_as_unknown_as_no_debate(signed_in: Client, bob: User) -> None:
    foreign = signed_in.get(debate(bob, topic="secret").get_absolute_url())
    unknown = signed_in.get(reverse("conversation", args=[uuid.uuid4()]))
    assert foreign.status_code == unknown.status_code == 404
    token = r'name="csrfmiddlewaretoken" value="\w+"'
    assert re.sub(token, "", text(foreign)) == re.sub(token, "", text(unknown))
    assert "Page not found" in text(foreign)


def test_a_reviewer_sees_somebody_elses_debate(client: Client, carol: User, bob: User) -> None:
    client.force_login(carol)
    assert client.get(debate(bob).get_absolute_url()).status_code == 200


@pytest.mark.parametrize("name", ["dashboard", "live"])
def test_pages_run_no_code_but_the_sites_own(signed_in: Client, alice: User, name: str) -> None:
    response = signed_in.get("/dashboard" if name == "dashboard" else debate(alice).get_absolute_url())
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert_inert(text(response))


PUBLIC = ["account_login", "account_signup", "account_reset_password"]
PRIVATE = [
    "account_email",
    "account_change_password",
    "mfa_index",
    "socialaccount_connections",
    "account_logout",
]


@pytest.mark.parametrize("name", PUBLIC)
def test_the_ways_in_wear_the_sites_dress(client: Client, name: str) -> None:
    page = text(client.get(reverse(name)))
    assert "entrance-form" in page
    assert 'class="input"' in page
    assert_inert(page)


@pytest.mark.parametrize("name", PRIVATE)
def test_the_accounts_pages_wear_the_sites_dress(signed_in: Client, name: str) -> None:
    page = text(signed_in.get(reverse(name), follow=True))
    assert "wordmark" in page
    assert_inert(page)


def test_a_failed_sign_in_says_so_beside_the_form(client: Client) -> None:
    page = text(client.post(reverse("account_login"), {"login": "alice", "password": "wrong"}))
    assert 'class="alert alert-error" role="alert"' in page


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_stand_without_a_request(template: str) -> None:
    page = render_to_string(template)
    assert 'class="lead"' in page
    assert_inert(page)


def test_staff_find_the_administration(client: Client, alice: User, carol: User) -> None:
    client.force_login(alice)
    assert reverse("admin:index") not in text(client.get("/dashboard"))
    client.force_login(carol)
    assert reverse("admin:index") in text(client.get("/dashboard"))


def assert_inert(page: str) -> None:
    """No script, style or handler stands in the page itself, and nothing is loaded from elsewhere."""
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    for tag in re.findall(r"<script\b[^>]*>", page):
        assert 'type="application/json"' in tag or 'src="/static/' in tag, tag
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


def test_the_schema_describes_every_frame() -> None:
    definitions = event_schema()["$defs"]
    assert len(definitions["StoredFrame"]["oneOf"]) == len(EVENTS)
    assert definitions["MessageStartFrame"]["properties"]["type"]["const"] == "message_start"
    assert definitions["HelloFrame"]["properties"]["seq"] == {"type": "null"}
    assert "from" in definitions["Hello"]["required"]


def test_numbers_read_as_people_read_them() -> None:
    assert [money(amount) for amount in (None, 0, 0.0016)] == ["cost unknown", "no charge", "$0.0016"]


def test_a_browser_looks_up_no_host_of_a_link_that_nobody_followed(client: Client, db: None) -> None:
    assert client.get("/accounts/login/").headers["X-DNS-Prefetch-Control"] == "off"
