"""An agent's Markdown as HTML for reviewers' pages. Pure.

The rules are those of the live page (frontend/src/shared/markdown.ts): raw HTML is text, images are links and are not
fetched, only web addresses become links and show their host, headings stand below the page's own, no inline styles.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, escape
from markdown_it.token import Token

# Characters. A longer text is shown as it is.
MAX_LENGTH: Final = 30_000
_SCHEMES: Final = ("http://", "https://")
_LOWEST_HEADING: Final = 6


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  # its name in the base class
        return url.lower().startswith(_SCHEMES)


def _escape(state: StateInline, silent: bool) -> bool:
    """Keep the backslashes of TeX: formulas are shown as their source."""
    if state.src[state.pos] != "\\" or state.src[state.pos + 1 : state.pos + 2] not in {*"()[]\\"}:
        return escape(state, silent)
    if not silent:
        state.pending += state.src[state.pos : state.pos + 2]
    state.pos += 2
    return True


_PARSER: Final = _Parser("commonmark", {"html": False}).enable(["table", "strikethrough"])
_PARSER.inline.ruler.at("escape", _escape)


def html(text: str, above: int) -> SafeString:
    """The text as HTML that may stand in a page. `above` is the level of the page's heading over it."""
    if len(text) > MAX_LENGTH:
        return format_html('<div class="verbatim" dir="auto">{}</div>', text)
    tokens = _PARSER.parse(text)
    _nest_headings(tokens, above)
    for token in tokens:
        if "style" in token.attrs:  # "text-align:right" of a table's cell
            token.attrs = {"align": str(token.attrs["style"]).partition(":")[2]}
        if token.children:
            token.children = list(_safe_inline(token.children))
    rendered = _PARSER.renderer.render(tokens, _PARSER.options, {})
    # The renderer escapes every text and attribute, and `html` is off.
    return format_html('<div class="prose" dir="auto">{}</div>', mark_safe(rendered))  # noqa: S308


def _nest_headings(tokens: Sequence[Token], above: int) -> None:
    """Give headings the levels below the page's own, none of them left out, whatever levels the text has."""
    open_levels: list[int] = []
    for token in tokens:
        if token.type not in {"heading_open", "heading_close"}:
            continue
        if token.type == "heading_open":
            level = int(token.tag[1])
            while open_levels and open_levels[-1] >= level:
                open_levels.pop()
            open_levels.append(level)
        token.tag = f"h{min(_LOWEST_HEADING, above + len(open_levels))}"


def _safe_inline(children: Sequence[Token]) -> Iterator[Token]:
    """The parts of a paragraph, images as links, and each link with its host."""
    target = ""
    for child in children:
        if child.type == "link_open":
            target = str(child.attrs["href"])
            yield _link(target)
        elif child.type == "link_close":
            yield from _end_of_link(target)
            target = ""
        elif child.type == "image":
            label = f"[image: {child.content}]" if child.content else "[image]"
            # Links cannot stand in links.
            if target:
                yield _text(label)
            else:
                source = str(child.attrs["src"])
                yield from (_link(source), _text(label), *_end_of_link(source))
        else:
            yield child


def _link(target: str) -> Token:
    attributes: dict[str, str | int | float] = {
        "href": target,
        "rel": "noopener noreferrer nofollow ugc",
        "target": "_blank",
    }
    return Token("link_open", "a", 1, attrs=attributes)


def _end_of_link(target: str) -> list[Token]:
    return [Token("link_close", "a", -1), _text(f" ({urlsplit(target).netloc})")]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
