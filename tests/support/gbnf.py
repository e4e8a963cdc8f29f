"""Speeches that a grammar of llama.cpp allows, without a model: literals, rules, groups, alternatives and `?`."""

import re
from collections.abc import Sequence
from random import Random
from typing import Final

_PART: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([a-z0-9]+)|([()|?]))')


def sample(grammar: str, random: Random) -> str:
    """One text, with each choice as likely as the others."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.strip().splitlines())
    parts = {name: _PART.findall(rule) for name, rule in rules.items()}
    assert all("".join(map("".join, found)) for found in parts.values())

    def choose(found: Sequence[tuple[str, str, str]], at: int) -> tuple[str, int]:
        """A text of the alternatives that begin here, and the place after them."""
        texts = [""]
        while at < len(found) and found[at][2] != ")":
            literal, rule, mark = found[at]
            if mark == "|":
                texts.append("")
            elif mark == "(":
                text, at = choose(found, at + 1)
                if at + 1 < len(found) and found[at + 1][2] == "?":
                    at, text = at + 1, random.choice(["", text])
                texts[-1] += text
            else:
                texts[-1] += choose(parts[rule], 0)[0] if rule else re.sub(r'\\(["\\])', r"\1", literal)
            at += 1
        return random.choice(texts), at

    return choose(parts["root"], 0)[0]
