"""What tests read in a page."""

import json
import re
from typing import Any

from django.http import HttpResponse


def text(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def page_data(page: str, name: str) -> dict[str, Any]:
    """The JSON that the page holds for its scripts under this id."""
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data
