"""Template filters: values as text, and form fields in the site's style."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

register = template.Library()

_CLASSES = {
    "CheckboxInput": "checkbox checkbox-sm",
    "RadioSelect": "radio radio-sm",
    "Select": "select",
    "Textarea": "textarea",
}


@register.filter
def label(value: str) -> str:
    """An identifier, such as `strong_buy`, as a label: "Strong buy"."""
    return value.replace("_", " ").capitalize()


@register.filter
def percent(fraction: float) -> str:
    # Half is rounded up, as on the live page; Python's round() takes the even neighbour.
    return f"{int(fraction * 100 + 0.5)} %"


@register.filter
def money(dollars: Decimal | float | None) -> str:
    """US dollars: "cost unknown" for None; amounts below 1 with two significant digits."""
    if dollars is None:
        return "cost unknown"
    if dollars == 0:
        return "$0"
    amount = float(dollars)
    if amount < 0.000001:
        return "under $0.000001"
    if amount >= 1:
        return f"${amount:.2f}"
    digits = f"{float(f'{amount:.2g}'):.6f}"
    # Cents keep their two places.
    return f"${digits[:4]}{digits[4:].rstrip('0')}"


@register.filter
def thousands(number: int) -> str:
    """1234 as "1,234", as on the live page."""
    return f"{number:,}"


@register.filter
def age(moment: datetime) -> str:
    """How long ago, in the largest unit: "5 minutes ago"."""
    if (timezone.now() - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, depth=1)} ago"


@register.filter
def caption(field: BoundField) -> Any:
    """A form field's label. allauth's placeholders are often better labels than its labels."""
    return field.field.widget.attrs.get("placeholder") or field.label


@register.filter
def styled(field: BoundField) -> SafeString:
    """A form field's widget with the site's CSS class, without its placeholder."""
    css_class = _CLASSES.get(type(field.field.widget).__name__, "input")
    return field.as_widget(attrs={"class": css_class, "placeholder": ""})
