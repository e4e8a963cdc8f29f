"""What the supervisor is asked, which chooses a team where no rule decides. Pure."""

from dataclasses import replace
from typing import Final

from conversations.domain.panels import PANELS, Agent
from conversations.prompts.builder import Task
from conversations.prompts.material import DebateQuestion
from conversations.prompts.quotation import shortened

# Characters of the text to discuss that it reads.
MAX_CONTENT: Final = 600
# Rules have decided where there are datasets.
TEAMS: Final = {slug: panel.description for slug, panel in PANELS.items() if not panel.needs_data}
_LISTED: Final = "\n".join(f"- {slug}: {description}" for slug, description in TEAMS.items())
SUPERVISOR: Final = Agent(
    role="supervisor",
    name="Supervisor",
    instructions=(
        "You are the Supervisor. You do not answer questions; you choose the team that answers one. The teams:\n"
        f"{_LISTED}\nSay which team, why, in one sentence, and how sure you are in per cent."
    ),
    streaming=False,
)
_REQUEST: Final = "Choose the team for this question."


def task(question: DebateQuestion) -> Task:
    """Its turn: the question, with the beginning of the text to discuss."""
    short = replace(
        question,
        content=shortened(question.content, MAX_CONTENT),
        sources=(),
        record=None,
        earlier=None,
    )
    return Task(SUPERVISOR, 1, short, [], request=_REQUEST)
