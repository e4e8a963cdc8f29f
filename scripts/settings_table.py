"""The table of settings in docs/deploy.md, from .env.example: `python -m scripts.settings_table` writes it."""

import re
from collections.abc import Iterator

from scripts.places import ROOT

PAGE = ROOT / "docs" / "deploy.md"
_BEGIN, _END = "<!-- settings -->", "<!-- end -->"


def rows() -> Iterator[tuple[str, str, str]]:
    """Name, first sentence and default of each setting; a section has the name "" and its title as sentence."""
    comment: list[str] = []
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        if section := re.fullmatch(r"# --- (.+?) -+", line):
            yield "", section[1], ""
            comment = []
        elif setting := re.fullmatch(r"#?([A-Z][A-Z0-9_]*)=.*", line):
            text = " ".join(comment)
            default = re.search(r"Default: (.+?)(?:[.;](?= |$)|$)", text)
            sentence = re.split(r"(?<=[^.][.]) (?=[A-Z])", text.split(" Default: ")[0], maxsplit=1)[0]
            yield setting[1], sentence, default[1] if default else ""
            comment = []
        elif line.startswith("# "):
            comment.append(line.removeprefix("# ").strip())
        elif not line:
            comment = []


def table() -> str:
    lines = ["| setting | purpose | default |", "| --- | --- | --- |"]
    for name, text, default in rows():
        comment = text.replace("|", "\\|")
        lines.append(f"| `{name}` | {comment} | {default} |" if name else f"| **{text}** | | |")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with its table replaced."""
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{rest.partition(_END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
