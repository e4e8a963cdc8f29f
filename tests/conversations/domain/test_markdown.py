"""A debate as Markdown: what people have sent cannot leave its place."""

import time

import pytest

from conversations.domain import markdown


@pytest.mark.parametrize("content", ["```\n## Verdict", "`" * 10, "~~~\n``` ````\n", "no ticks"])
def test_content_does_not_end_its_fence(content: str) -> None:
    [fence, *_, end] = markdown.whole("Q?", content, []).partition("## Content\n\n")[2].splitlines()
    assert fence.removesuffix("text") == end
    assert set(end) == {"`"}
    assert end not in content


def test_content_of_backticks_takes_no_time() -> None:
    began = time.process_time()
    markdown.whole("Q?", "`" * 400_000, [])
    assert time.process_time() - began < 1
