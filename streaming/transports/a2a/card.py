"""The agent card, which describes this agent to others."""

from typing import Final

from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentProvider,
    AgentSkill,
    APIKeySecurityScheme,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from django.conf import settings

from conversations.domain.panels import DATA_TEAM, GENERAL_ASSISTANT

_KEY: Final = "An API key, made on the site's page for keys."
_BEARER: Final = HTTPAuthSecurityScheme(scheme="Bearer", description=_KEY)
_HEADER: Final = APIKeySecurityScheme(location="header", name="X-API-Key", description=_KEY)
_SCHEMES: Final = {
    "bearer": SecurityScheme(http_auth_security_scheme=_BEARER),
    "apiKey": SecurityScheme(api_key_security_scheme=_HEADER),
}
_DEBATE: Final = AgentSkill(
    id="debate",
    name="Debate a financial question",
    description=(
        "The first text is the question, at most 500 characters; further texts are the content to argue about. A part"
        " of data may hold: sources, datasets, panel, rounds, content_type, instrument, as_of, max_usd, max_tokens,"
        " max_seconds. Each message of the debate is an artifact, and the verdict one of data."
    ),
    tags=["finance", "debate", "analysis"],
    examples=["Is Tarnwick worth buying at twelve times earnings?"],
)


# The teams beside the debate's, each with a question that it answers.
_OTHERS: Final = (
    (GENERAL_ASSISTANT, "What is 15% of 850?"),
    (DATA_TEAM, "Which shop sold most in 2024?"),
)
_SKILLS: Final = [
    _DEBATE,
    *(
        AgentSkill(
            id=panel.slug,
            name=panel.title,
            description=(
                f"{panel.description} Its last message is the result, without a verdict. A part of data chooses it:"
                f' {{"panel": "{panel.slug}"}}. Without `panel`, the question is routed, and the task\'s metadata say'
                " which team took it, and why."
            ),
            tags=["tools"],
            examples=[question],
        )
        for panel, question in _OTHERS
    ),
]


def card(site: str) -> AgentCard:
    """The card of the site with this base URL, which has no slash at its end."""
    url = f"{site}/{settings.OUTCRY_A2A_PATH}"
    return AgentCard(
        name="Outcry",
        description="A panel of analysts debates a financial question, live, and a moderator gives a verdict.",
        version="1.0.0",
        provider=AgentProvider(organization="Outcry", url=site),
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0"),
            AgentInterface(url=url.rstrip("/"), protocol_binding="HTTP+JSON", protocol_version="1.0"),
            AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="0.3"),
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=False, extended_agent_card=False),
        default_input_modes=["text/plain", "text/markdown", "application/json"],
        default_output_modes=["text/markdown", "application/json"],
        skills=_SKILLS,
        security_schemes=_SCHEMES,
        # A client needs only one of them.
        security_requirements=[SecurityRequirement(schemes={name: StringList()}) for name in _SCHEMES],
    )
