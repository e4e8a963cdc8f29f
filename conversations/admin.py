"""Review in Django's admin: reading, finding and filtering. Nothing is changed or deleted here; only API keys can be
revoked, and legal holds placed and lifted."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from conversations.access import audit, staff
from conversations.domain import formatting
from conversations.domain.enums import AuditAction, Mode, Stance, Status
from conversations.domain.events import EVENTS
from conversations.domain.panels import PANELS
from conversations.domain.texts import uuid_or_nil
from conversations.models import (
    ApiKey,
    ApiKeyQuerySet,
    AuditEntry,
    Conversation,
    ConversationQuerySet,
    Deletion,
    Delivery,
    Event,
    LegalHold,
    LegalHoldQuerySet,
)
from conversations.outbox import deliveries
from conversations.privacy import holds
from conversations.review import timeline

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    HoldForm = forms.ModelForm[LegalHold]
else:
    ModelAdmin = admin.ModelAdmin
    HoldForm = forms.ModelForm

Choices = Iterable[tuple[str, str]]


class ReadOnly(ModelAdmin):
    list_per_page = 50

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_add_permission = has_delete_permission = has_change_permission


class ReviewersOnly(ReadOnly):
    """Reviewers may view everything and change nothing."""

    actions: Any = None

    class Media:
        css = {"all": ["conversations/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return staff.may_review(request.user)

    has_module_permission = has_view_permission

    @admin.display(description="conversation")
    def of(self, row: Event | Delivery) -> SafeString:
        address = reverse("admin:conversations_conversation_change", args=[row.conversation_id])
        return format_html('<a href="{}">{}</a>', address, Truncator(row.conversation.topic).chars(60))


class ChoiceFilter(admin.SimpleListFilter):
    """Filters by the field `parameter_name`, for one of `values`."""

    values: Choices = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return self.values

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class StatusFilter(ChoiceFilter):
    title = parameter_name = "status"
    values = [(status.value, formatting.status(status.value, None)) for status in Status]


class PanelFilter(ChoiceFilter):
    title, parameter_name = "team", "panel"
    values = [(panel.slug, panel.title) for panel in PANELS.values()]


class VerdictFilter(ChoiceFilter):
    title = parameter_name = "verdict"
    values = [*((stance.value, formatting.words(stance)) for stance in Stance), ("none", "not finished")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "none":
            return queryset.filter(verdict__isnull=True)
        return queryset.filter(verdict__verdict=self.value()) if self.value() else queryset


@admin.register(Conversation)
class ConversationAdmin(ReviewersOnly):
    list_display = (
        "short_topic",
        "owner",
        "status_badge",
        "mode_badge",
        "stance",
        "shown_cost",
        "rounds",
        "created",
        "took",
    )
    list_filter = (StatusFilter, "mode", PanelFilter, "content_type", "created_at", VerdictFilter)
    list_select_related = ("owner",)
    search_fields = ("topic", "content", "owner__username", "owner__email")
    search_help_text = 'Words or a "quoted phrase" in topics, contents, owners and everything that was said'
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> ConversationQuerySet:
        # The list does not show the contents, which may be megabytes; the transcript page loads its own.
        return Conversation.objects.defer("content")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        assert isinstance(queryset, ConversationQuerySet)  # noqa: S101 (ours, see above)
        if search_term:
            # What is found tells what was said.
            audit.note_reading(request.user, "any", None)
        return timeline.search(queryset, search_term), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The read-only transcript page."""
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request):
            raise PermissionDenied
        conversation = self.get_object(request, object_id)
        if conversation is None:
            raise Http404("There is no such conversation.")
        audit.note_reading(request.user, conversation.pk, conversation.owner_id)
        context = {
            **self.admin_site.each_context(request),
            "title": conversation.topic,
            "review": timeline.read(conversation),
            "opts": self.opts,
            "original": conversation,
            "media": self.media,
            "log_url": f"{reverse('admin:conversations_event_changelist')}?conversation={conversation.pk}",
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/conversations/conversation/transcript.html", context)

    @admin.display(description="topic", ordering="topic")
    def short_topic(self, conversation: Conversation) -> str:
        return Truncator(conversation.topic).chars(100)

    @admin.display(description="status", ordering="status")
    def status_badge(self, conversation: Conversation) -> SafeString:
        return format_html(
            '<span class="badge badge-{}">{}</span>',
            conversation.status,
            formatting.status(conversation.status, conversation.reason),
        )

    @admin.display(description="mode", ordering="mode")
    def mode_badge(self, conversation: Conversation) -> str:
        is_demo = conversation.mode == Mode.DEMO
        return (
            format_html('<span class="badge badge-demo">{}</span>', "DEMO") if is_demo else conversation.mode
        )

    @admin.display(description="verdict", empty_value="-")
    def stance(self, conversation: Conversation) -> str | None:
        return formatting.stance(conversation.verdict) if conversation.verdict else None

    @admin.display(description="cost", ordering="cost")
    def shown_cost(self, conversation: Conversation) -> str:
        return formatting.charge(conversation.cost)

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, conversation: Conversation) -> str:
        return f"{conversation.created_at:%Y-%m-%d %H:%M}"

    @admin.display(description="duration", ordering=F("finished_at") - F("started_at"), empty_value="-")
    def took(self, conversation: Conversation) -> timedelta | None:
        return timeline.duration(conversation)


class TypeFilter(ChoiceFilter):
    title = parameter_name = "type"
    values = [(type_, formatting.words(type_)) for type_ in EVENTS]


class ConversationFilter(admin.SimpleListFilter):
    """Offers only the conversation in the URL: a list of all of them would be too long."""

    title = parameter_name = "conversation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        if not self.value():
            return []
        chosen = Conversation.objects.filter(pk=uuid_or_nil(self.value() or ""))
        found = chosen.values_list("topic", flat=True).first()
        return [(self.value() or "", Truncator(found or "unknown").chars(60))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = self.value()
        return queryset.filter(conversation=uuid_or_nil(text)) if text else queryset


@admin.register(Event)
class EventAdmin(ReviewersOnly):
    list_display = ("seq", "type", "time", "of", "excerpt")
    list_filter = (TypeFilter, ConversationFilter)
    list_per_page = 100
    # The log has hundreds of rows a debate, so do not count them twice.
    show_full_result_count = False
    fields = ("of", "seq", "type", "time", "readable_data")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return Event.objects.select_related("conversation").defer(
            "conversation__content", "conversation__verdict"
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_view_permission(request):
            self._note_reading(request)
        return super().changelist_view(request, extra_context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Event | None:
        found: Event | None = super().get_object(request, object_id, from_field)
        if found is not None and self.has_view_permission(request):
            audit.note_reading(request.user, found.conversation_id, found.conversation.owner_id)
        return found

    def _note_reading(self, request: HttpRequest) -> None:
        """The list shows one debate's log, or what was said in the newest ones."""
        if not _of_one(request):
            audit.note_reading(request.user, "any", None)
            return
        chosen = uuid_or_nil(request.GET[ConversationFilter.parameter_name])
        for pk, owner in Conversation.objects.filter(pk=chosen).values_list("pk", "owner"):
            audit.note_reading(request.user, pk, owner)

    def get_ordering(self, request: HttpRequest) -> tuple[str]:
        return ("seq",) if _of_one(request) else ("-pk",)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        shown = self.list_display
        return tuple(name for name in shown if name != "of") if _of_one(request) else shown

    @admin.display(description="time (UTC)", ordering="at")
    def time(self, event: Event) -> str:
        return event.at.isoformat(" ", "milliseconds").removesuffix("+00:00")

    @admin.display(description="data")
    def excerpt(self, event: Event) -> SafeString:
        text = Truncator(json.dumps(event.data, ensure_ascii=False)).chars(160)
        return format_html('<code class="excerpt">{}</code>', text)

    @admin.display(description="data")
    def readable_data(self, event: Event) -> SafeString:
        return _verbatim(event.data)


@admin.register(Delivery)
class DeliveryAdmin(ReviewersOnly):
    list_display = ("of", "where", "state", "attempts", "next_at")
    list_filter = ("state",)
    list_select_related = ("conversation",)
    fields = ("of", "where", "state", "attempts", "next_at", "task", "happened")
    readonly_fields = fields

    @admin.display(description="agent")
    def where(self, delivery: Delivery) -> str:
        return deliveries.shown(delivery.target)

    @admin.display(description="events")
    def happened(self, delivery: Delivery) -> SafeString:
        return _verbatim(delivery.events)


class StateFilter(ChoiceFilter):
    title = parameter_name = "state"
    values = [("live", "live"), ("dead", "revoked, expired or of a disabled account")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        live = ApiKey.objects.live()
        if self.value() == "live":
            return queryset.filter(pk__in=live)
        return queryset.exclude(pk__in=live) if self.value() == "dead" else queryset


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly):
    """Lists API keys with their owners, but never the secrets, which are not stored."""

    list_display = (
        "name",
        "owner",
        "prefix",
        "allows",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = (StateFilter,)
    list_select_related = ("owner",)
    search_fields = ("name", "prefix", "owner__username", "owner__email")
    fields = list_display
    readonly_fields = fields
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversations.revoke_apikey")

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: ApiKeyQuerySet) -> None:
        revoked = [key for key in queryset if key.revoked_at is None]
        queryset.filter(pk__in=[key.pk for key in revoked]).revoke()
        for key in revoked:
            self.log_change(request, key, "Revoked.")
            audit.record(AuditAction.KEY_REVOKED, request.user, f"key:{key.pk}", owner=key.owner_id)
        self.message_user(
            request, f"Revoked: {len(revoked)}. Connections that use these keys are closed within 5 seconds."
        )

    @admin.display(description="scopes")
    def allows(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """The audit trail, for those with the permission to view it."""

    list_display = ("time", "who", "did", "subject", "address")
    list_filter = ("action", "at")
    list_select_related = ("actor",)
    list_per_page = 100
    show_full_result_count = False
    search_fields = ("=subject", "=actor__username", "=pseudonym", "=address")
    search_help_text = "A whole subject such as user:7, a username, a pseudonym, or an address"
    actions = None
    fields = ("time", "who", "did", "subject", "address", "more")
    readonly_fields = fields

    @admin.display(description="time (UTC)", ordering="pk")
    def time(self, entry: AuditEntry) -> str:
        return entry.at.isoformat(" ", "seconds").removesuffix("+00:00")

    @admin.display(description="who", ordering="actor")
    def who(self, entry: AuditEntry) -> str:
        return entry.pseudonym or "-" if entry.actor is None else entry.actor.get_username()

    @admin.display(description="what", ordering="action")
    def did(self, entry: AuditEntry) -> str:
        return entry.get_action_display()

    @admin.display(description="details")
    def more(self, entry: AuditEntry) -> SafeString:
        return _verbatim(entry.detail)


@admin.register(Deletion)
class DeletionAdmin(ReadOnly):
    """The lines that deleted debates leave."""

    list_display = ("conversation", "why", "at", "transcript_sha256")
    list_filter = ("reason", "at")
    search_fields = ("conversation", "=transcript_sha256")
    search_help_text = "The id of a debate, or the hash of its transcript"
    fields = list_display
    readonly_fields = fields

    @admin.display(description="why", ordering="reason")
    def why(self, line: Deletion) -> str:
        return line.get_reason_display()


class ActiveFilter(ChoiceFilter):
    title = "state"
    parameter_name = "lifted"
    values = [("no", "active"), ("yes", "lifted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(lifted_at__isnull=self.value() == "no") if self.value() else queryset


class _HoldForm(HoldForm):
    """Names the person or the debate."""

    class Meta:
        labels = {"conversation": "Debate"}
        help_texts = {
            "person": "The number of the account. Keeps the person, and all of their debates.",
            "conversation": "Or the id of one debate.",
        }

    def clean(self) -> Any:
        cleaned = super().clean()
        given = [name for name in ("person", "conversation") if self.cleaned_data.get(name) is not None]
        if len(given) != 1 and not self.errors:
            raise forms.ValidationError("Name either a person or a debate.")
        return cleaned


@admin.register(LegalHold)
class LegalHoldAdmin(ModelAdmin):
    """Places legal holds, and lifts them. None is changed or deleted."""

    form = _HoldForm
    list_display = ("held", "reason", "placed_by", "placed_at", "lifted_by", "lifted_at")
    list_filter = (ActiveFilter,)
    list_select_related = ("person", "placed_by", "lifted_by")
    search_fields = ("reason", "=person__username", "conversation__id")
    search_help_text = "Words of the reason, a username, or the id of a debate"
    raw_id_fields = ("person", "conversation")
    actions = ("lift",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        asked = ("person", "conversation", "reason")
        return asked if obj is None else self.list_display

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        assert isinstance(request.user, AbstractUser)  # noqa: S101 (for the type checker)
        holds.place(obj, request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="on")
    def held(self, hold: LegalHold) -> str:
        return str(hold) if hold.person is None else hold.person.get_username()

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversations.change_legalhold")

    @admin.action(description="Lift the selected holds", permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: LegalHoldQuerySet) -> None:
        assert isinstance(request.user, AbstractUser)  # noqa: S101 (for the type checker)
        lifted = sum(holds.lift(hold, request.user) for hold in queryset)
        self.message_user(request, f"Lifted: {lifted}. What they held may be deleted now.")


def _of_one(request: HttpRequest) -> bool:
    return ConversationFilter.parameter_name in request.GET


def _verbatim(data: Any) -> SafeString:
    return format_html('<pre class="verbatim">{}</pre>', json.dumps(data, ensure_ascii=False, indent=2))
