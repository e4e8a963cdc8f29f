"""The tools that agents of every conversation may call, by name. None of them reads anything of a person."""

from collections.abc import Mapping
from typing import Any, Final

from conversations.agents.tools import calculate, convert, dates, look_up
from conversations.agents.tools.tool import Tool

TOOLS: Final[Mapping[str, Tool[Any]]] = {
    tool.name: tool for tool in (calculate.TOOL, dates.BETWEEN, dates.SHIFT, convert.TOOL, look_up.TOOL)
}
