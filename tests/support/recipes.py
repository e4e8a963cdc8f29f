"""The recipes of docs/clients.md, as a reader finds them."""

import re

from tests.support.servers import ROOT


def recipe(client: str) -> str:
    """The first block of code under the client's heading."""
    text = (ROOT / "docs" / "clients.md").read_text()
    found = re.search(rf"^### {re.escape(client)}$.*?^```\w+\n(.*?)^```$", text, re.M | re.S)
    assert found is not None
    return found[1]
