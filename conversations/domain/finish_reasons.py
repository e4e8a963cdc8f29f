"""Why a model's answer ended: the providers' words as ours, and a sentence about an answer that was cut off. Pure."""

from collections.abc import Mapping
from typing import Any, Final

STOP: Final = "stop"
LENGTH: Final = "length"
CONTENT_FILTER: Final = "content_filter"
REFUSAL: Final = "refusal"
ERROR: Final = "error"

# Reasons for which another provider may say what this one did not.
WITHHELD: Final = frozenset({CONTENT_FILTER, REFUSAL})

# Other providers' words, in lower case. What is not listed here is kept as it is.
_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"), LENGTH
    ),
    **dict.fromkeys(
        (
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "sensitive",
            "guardrail_intervened",
            "content-filter",
        ),
        CONTENT_FILTER,
    ),
    **dict.fromkeys(
        ("abort", "aborted", "network_error", "insufficient_system_resource", "malformed_function_call"),
        ERROR,
    ),
}
_NOTES: Final[Mapping[str, str]] = {
    LENGTH: "Cut off here, at the length limit.",
    CONTENT_FILTER: "Cut off here by the provider's safety rules.",
    REFUSAL: "Broken off here: the model refused to go on.",
}


def normalized(reason: str) -> str:
    """The provider's reason in our words, if it is one of a cut answer or an error."""
    lower = reason.lower()
    if lower in {LENGTH, CONTENT_FILTER, REFUSAL, ERROR}:
        return lower
    return _WORDS.get(lower, reason)


def cut_note(message: Mapping[str, Any]) -> str:
    """A sentence for the end of a message that was cut off, from its `agent_message`; "" if it is whole."""
    return _NOTES.get(message["finish_reason"], "")


def with_note(content: str, finish_reason: str) -> str:
    """The text of a message for other agents, which see whether it was cut off."""
    note = _NOTES.get(finish_reason)
    return f"{content}\n\n({note})" if note else content
