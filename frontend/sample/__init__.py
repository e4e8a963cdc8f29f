"""A finished debate that stands for no row: what a new account can look at. Its company and its text are invented."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from conversations.domain.enums import Mode, Status
from conversations.domain.panels import PANELS

_FILE: Final = Path(__file__).with_name("debate.json")


@cache
def recording() -> dict[str, Any]:
    """Its topic, content, rounds, panel and events."""
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def page_data() -> dict[str, Any]:
    """The data of its page (src/client/page-data.ts), which follows nothing and offers nothing."""
    sample = recording()
    panel, content = PANELS[sample["panel"]], sample["content"]
    created_at = datetime.fromisoformat(sample["events"][0]["at"])
    [complete] = [event["data"] for event in sample["events"] if event["type"] == "complete"]
    return {
        **{name: sample[name] for name in ("topic", "rounds", "events")},
        "isSample": True,
        "sources": [
            {
                "name": "Results",
                "cited": "Results",
                "characters": len(content),
                "pages": 0,
                "text": content,
                "url": "",
            },
        ],
        "pricesUrl": None,
        "outcome": None,
        "author": "Outcry",
        "createdAt": created_at.isoformat(),
        "age": (timezone.now() - created_at).total_seconds(),
        "status": Status.COMPLETED,
        "mode": Mode.LIVE,
        "reason": None,
        "complete": complete,
        "wsUrl": "",
        "apiUrl": "",
        "loginUrl": reverse("account_login"),
        "againUrl": reverse("dashboard"),
        "follows": [],
        "followedBy": [],
        "limits": {"usd": None, "tokens": None, "seconds": None},
        "teams": [],
        "isRouted": False,
        "panel": panel.slug,
        "team": None,
        "agents": [agent.shown for agent in panel.agents],
        "canControl": False,
        "canSpeak": False,
        "isStaff": False,
        "reviewUrl": None,
        "maxText": 0,
        "maxTopic": 0,
    }
