"""Every path named in the documentation exists, and CONTRIBUTING.md lists every room."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]
TOP = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")} - {"var"}
# Made by a build or an installation, or an example of a name.
NOT_IN_REPOSITORY = re.compile(r"node_modules|/dist\b|<|\{|\*|\.\.\.")


def named_paths(page: Path) -> Iterator[Path]:
    """Paths in backticks that begin with one of our folders, and the targets of relative links."""
    text = page.read_text(encoding="utf-8")
    for quoted in re.findall(r"`([^`\s]+)`", text):
        folder, slash, _ = quoted.partition("/")
        if slash and folder in TOP and not NOT_IN_REPOSITORY.search(quoted):
            yield ROOT / quoted.partition("::")[0]
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", text):
        yield page.parent / target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_on_a_page_exists(page: Path) -> None:
    assert [str(path.relative_to(ROOT)) for path in named_paths(page) if not path.exists()] == []


@pytest.mark.parametrize(
    "parent",
    [
        "conversations",
        "evidence",
        "streaming",
        "config",
        "frontend/src",
        "tests",
        "benchmarks",
        "reliability",
    ],
)
def test_contributing_lists_every_room(parent: str) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    # Django's own folders are no rooms; a room has source files.
    rooms = {
        folder.name
        for folder in (ROOT / parent).iterdir()
        if folder.is_dir()
        and folder.name not in {"migrations", "static", "templates", "__pycache__"}
        and any(file.suffix in {".py", ".ts", ".css", ".mjs", ".json"} for file in folder.iterdir())
    }
    listed = {room.rstrip("/") for room in re.findall(rf"`{parent}/([\w]+/)`", text)}
    assert rooms - listed - ({"management"} if parent == "conversations" else set()) == set()


def test_contributing_names_files_of_the_token_path() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawing = re.search(r"## How a token travels\n\n```text\n(.*?)```", text, re.DOTALL)
    assert drawing is not None
    folder = ""
    named = []
    for line in drawing[1].splitlines():
        if found := re.match(r"(\w[\w/]*/)", line):
            folder = found[1]
        named += [ROOT / folder / file for file in re.findall(r"\b([\w-]+\.(?:py|ts))\b", line)]
    assert len(named) > 10
    assert [str(path.relative_to(ROOT)) for path in named if not path.exists()] == []
