"""The price table of OUTCRY_PRICES: a JSON object, or the path of a file with one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from config.env.parsing import text

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Price(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    input: Dollars
    output: Dollars


_TABLE = TypeAdapter(dict[str, _Price])


def prices(name: str) -> Mapping[str, tuple[float, float]]:
    """US dollars for a million input tokens and for a million output tokens, by KIND:MODEL. Raises
    ImproperlyConfigured."""
    value = text(name)
    if not value:
        return {}
    try:
        found = value if value.startswith("{") else Path(value).read_text(encoding="utf-8")
        table = _TABLE.validate_json(found)
    except (OSError, UnicodeDecodeError) as failure:
        raise ImproperlyConfigured(f"{name}={value!r} cannot be read: {failure}.") from None
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ImproperlyConfigured(
            f"Unexpected value {name}: {place and f'{place}: '}{first['msg']}. Use JSON such as"
            ' {"ollama:llama3.2": {"input": 0.1, "output": 0.4}}, in US dollars a million tokens.'
        ) from None
    return {model: (price.input, price.output) for model, price in table.items()}
