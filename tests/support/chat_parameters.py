"""The parameters of a chat completion request by what becomes of them, as its model declares them."""

from typing import Any, cast

from streaming.transports.openai.request import ChatRequest

_FIELDS = ChatRequest.model_fields
HONOURED = {name for name, field in _FIELDS.items() if field.annotation is not Any}
# With the values that are accepted, beside null.
REFUSED: dict[str, Any] = {
    name: cast("list[Any]", extra["enum"])[1:]
    for name, field in _FIELDS.items()
    if isinstance(extra := field.json_schema_extra, dict)
}
IGNORED = _FIELDS.keys() - HONOURED - REFUSED.keys()
