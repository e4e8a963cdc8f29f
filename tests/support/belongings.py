"""A person with a row in every table that holds something about people."""

import zlib
from typing import Any, Final

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone

from conversations.budgets import ledger
from conversations.domain.enums import Action, AuditAction, Role, Status
from conversations.domain.events import Control, EventData
from conversations.event_log import store
from conversations.models import (
    AuditEntry,
    ComposedPanel,
    Conversation,
    ConversationDataset,
    ConversationPanel,
    ConversationShare,
    ConversationSource,
    Dataset,
    DatasetChunk,
    Delivery,
    EventText,
    Invitation,
    LegalHold,
    Membership,
    Organisation,
    OrganisationInvitation,
    PanelVersion,
    Preferences,
    Reservation,
    Source,
    ThreadRun,
)
from tests.support import debates
from tests.support.api_keys import make

# Words that stand in what is about the person, and nowhere else.
NAME: Final = "ulrike-canary"
ADDRESS: Final = "ulrike@canary.example"
SAID: Final = "canary's secret plan"
SECRET: Final = "canary's hidden secret"
IP: Final = "203.0.113.77"


def append(conversation: Conversation, *events: EventData) -> None:
    store.store_batch([store.Append(conversation.pk, None, events, timezone.now())])


def ended(owner: User, **values: Any) -> Conversation:
    """A debate with every type of event, which has ended."""
    conversation = debates.create(owner, **values)
    append(conversation, *debates.every_event())
    conversation.refresh_from_db()
    assert conversation.is_finished
    return conversation


def person() -> User:
    user = User.objects.create_user(NAME, ADDRESS, "correct-horse-battery", first_name="Canary")
    address = EmailAddress.objects.create(user=user, email=ADDRESS, primary=True, verified=True)
    EmailConfirmation.objects.create(email_address=address, key=SECRET, sent=timezone.now())
    user.groups.add(Group.objects.create(name="readers"))
    user.user_permissions.add(Permission.objects.get(codename="view_event"))
    Authenticator.objects.create(user=user, type="totp", data={"secret": SECRET})
    account = SocialAccount.objects.create(user=user, provider="github", uid="4711", extra_data={"n": NAME})
    app = SocialApp.objects.create(provider="github", name="GitHub", client_id="x")
    SocialToken.objects.create(app=app, account=account, token=SECRET, token_secret=SECRET)
    client = Client(headers={"user-agent": "Canary/1.0"})
    client.force_login(user)
    UserSession.objects.create(
        user=user, ip=IP, user_agent="Canary/1.0", session_key=client.session.session_key
    )
    Preferences.objects.create(person=user, display_name=NAME)
    make(user, name="canary's key")
    Invitation.objects.create(email=ADDRESS, expires_at=timezone.now())
    Invitation.objects.create(created_by=user, email="friend@example.com", expires_at=timezone.now())
    organisation = Organisation.objects.create(name="Tarnwick")
    Membership.objects.create(organisation=organisation, person=user, role=Role.OWNER)
    for by, email in ((None, ADDRESS), (user, "friend@example.com")):
        OrganisationInvitation.objects.create(
            organisation=organisation,
            email=email,
            role=Role.MEMBER,
            invited_by=by,
            expires_at=timezone.now(),
        )
    return user


def source(user: User) -> Source:
    return Source.objects.create(
        owner=user, name="secret.txt", type="text", text=SAID, characters=len(SAID), sha256="0" * 64
    )


def dataset(user: User) -> Dataset:
    """A table of one column and one row."""
    file = f"said\n{SAID}\n".encode()
    column = {"name": "said", "label": "said", "type": "text"}
    found = Dataset.objects.create(
        owner=user,
        name="secret.csv",
        size=len(file),
        sha256="0" * 64,
        tables=[{"name": "secret", "label": "secret", "rows": 1, "columns": [column]}],
        stored_at=timezone.now(),
    )
    DatasetChunk.objects.create(dataset=found, position=0, data=zlib.compress(file))
    return found


def debate(user: User) -> Conversation:
    """A debate of theirs that has ended, with everything that may belong to one."""
    conversation = ended(user, topic=SAID)
    ThreadRun.objects.create(owner=user, thread=SAID, run=str(conversation.pk), conversation=conversation)
    ConversationSource.objects.create(conversation=conversation, source=source(user), position=0)
    ConversationShare.objects.create(conversation=conversation, person=user)
    ConversationDataset.objects.create(conversation=conversation, dataset=dataset(user), position=0)
    panel = ComposedPanel.objects.create(owner=user, name=SAID)
    version = PanelVersion.objects.create(panel=panel, number=1, content={"name": SAID})
    ConversationPanel.objects.create(conversation=conversation, version=version)
    EventText.objects.create(conversation=conversation, data=zlib.compress(SAID.encode()))
    Delivery.objects.create(conversation=conversation, target="https://a.example/hook?secret=hidden")
    ledger.open_entries(ledger.day_accounts(user.pk, ledger.today()))
    Reservation.objects.create(
        conversation=conversation, day=ledger.today(), provider="p", model="m", tokens=7, seconds=1
    )
    return conversation


def traces(user: User, other: User, theirs: Conversation) -> None:
    """What others, and they with others, have done."""
    of_users = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=other, content_type=of_users, object_id=str(user.pk), object_repr=NAME, action_flag=CHANGE
    )
    LogEntry.objects.create(user=user, object_repr="a group", action_flag=CHANGE)
    AuditEntry.objects.create(
        actor=user,
        action=AuditAction.EMAIL_ADDED,
        subject=f"user:{user.pk}",
        address=IP,
        detail={"domain": "canary.example"},
    )
    AuditEntry.objects.create(
        action=AuditAction.SIGN_IN_FAILED, subject=f"user:{user.pk}", address=IP, detail={"locked": False}
    )
    AuditEntry.objects.create(
        actor=other,
        action=AuditAction.TRANSCRIPT_READ,
        subject="conversation:1",
        address="192.0.2.1",
        detail={"owner": user.pk},
    )
    AuditEntry.objects.create(
        actor=other,
        action=AuditAction.ROLE_CHANGED,
        subject="organisation:1",
        address="192.0.2.1",
        detail={"member": user.pk, "role": "admin"},
    )
    append(theirs, Control(action=Action.PAUSE, actor=NAME), debates.status(Status.CANCELLED))
    LegalHold.objects.create(
        person=user, reason="canary v. outcry", placed_by=other, lifted_at=timezone.now(), lifted_by=other
    )
