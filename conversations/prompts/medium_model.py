"""Prompts for Qwen2.5-Coder-1.5B, which speaks freely, reads figures well and computes badly.

Facts are given as whole statements with their citations, so that it need not compute. It reads a prompt at 40 tokens a
second, so the prompt is short. No I/O.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from conversations.prompts.small_model import (
    DATA,
    MAX_CONTENT,
    MAX_LOOK,
    MAX_TOPIC,
    SmallModelPrompt,
    clip,
    last_point,
    speakable,
    voice_of,
    without_citations,
)

MAX_FACTS: Final = 4
SAMPLING: Final[Mapping[str, Any]] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "max_tokens": 200,
    "extra_body": {"min_p": 0.05, "repeat_penalty": 1.05},
}
# The example shows how a fact is used, cited and answered with; without it the model cites nothing.
_RULES: Final = f"""You take part in a debate. {DATA} Speak in two or three plain sentences. Compute nothing, and \
do not say whether to buy, hold or sell.
"""
_EXAMPLE: Final = """Use figures only as the facts give them, each with its mark in brackets.
Example of facts:
- Tarnwick closed 18.0% [E4, E5] below its 52-week high.
- Tarnwick's net margin was 8.1% [E9] in FY2019.
Example of an answer: Ann, a net margin of 8.1% [E9] is thin, so a bad year would hurt. Tarnwick closed 18.0% [E4, E5] \
below its 52-week high, which shows how fast confidence can go.
"""


def speaker_prompt(
    role: str,
    topic: str,
    content: str,
    facts: Sequence[str],
    last: tuple[str, str] | None,
    remark: tuple[str, str] | None,
) -> SmallModelPrompt:
    """The prompt of a speaker. `facts` are clauses about the record, with citations; `last` is the last speaker's name
    and whole text, `remark` a person's, which is answered instead."""
    voice = voice_of(role)
    lines = [f"Question: {clip(topic, MAX_TOPIC)}"]
    if content:
        lines.append(f"Material: {clip(content[:MAX_LOOK], MAX_CONTENT)}")
    if facts:
        lines += ["Facts:", *(f"- {fact[:1].upper()}{fact[1:]}." for fact in facts)]
    if answered := remark or last:
        name = speakable(answered[0])
        lines.append(f'{name} says: "{last_point(without_citations(answered[1]))}"')
        lines.append(f"Answer {name} by name. {voice.question}")
    else:
        lines.append(voice.question)
    system = f"{_RULES}{_EXAMPLE if facts else ''}{voice.persona}"
    return SmallModelPrompt(system, "\n".join(lines), options=SAMPLING)


def question_prompt(topic: str) -> SmallModelPrompt:
    """The prompt of a question that a tool may answer."""
    system = f"You answer a question in one or two plain sentences. {DATA}"
    return SmallModelPrompt(system, f"Question: {clip(topic, MAX_TOPIC)}", options=SAMPLING)
