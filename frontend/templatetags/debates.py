"""Template filters: values as text, and form fields in the site's style."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField
from django.urls import reverse
from django.utils.safestring import SafeString

from conversations.domain import formatting
from conversations.domain.panels import PANELS

register = template.Library()
register.filter("thousands", formatting.count)

_CLASSES = {
    "CheckboxInput": "checkbox checkbox-sm",
    "RadioSelect": "radio radio-sm",
    "Select": "select",
    "Textarea": "textarea",
}


@register.simple_tag(takes_context=True)
def history_data(context: Mapping[str, Any]) -> dict[str, Any]:
    """What the sidebar needs besides the API (src/history/history-element.ts). A page about an organisation has it in
    its context as `organisation`."""
    organisation = context.get("organisation")
    new = reverse("dashboard")
    within = None
    if organisation is not None:
        within = {
            "id": str(organisation.pk),
            "name": organisation.name,
            "settingsUrl": reverse("organisation", args=[organisation.slug]),
            "personalUrl": new,
        }
        new = reverse("organisation_dashboard", args=[organisation.slug])
    return {
        "newUrl": new,
        "organisation": within,
        "teamsUrl": reverse("teams"),
        "sampleUrl": reverse("sample"),
        "panels": [(panel.slug, panel.title) for panel in PANELS.values()],
    }


@register.filter
def money(dollars: Decimal | float | None) -> str:
    """US dollars; "cost unknown" for None, "no charge" for 0."""
    return "cost unknown" if dollars is None else formatting.charge(dollars)


@register.filter
def caption(field: BoundField) -> Any:
    """A form field's label. allauth's placeholders are often better labels than its labels."""
    return field.field.widget.attrs.get("placeholder") or field.label


@register.filter
def styled(field: BoundField) -> SafeString:
    """A form field's widget with the site's CSS class, without its placeholder."""
    css_class = _CLASSES.get(type(field.field.widget).__name__, "input")
    return field.as_widget(attrs={"class": css_class, "placeholder": ""})
