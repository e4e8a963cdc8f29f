"""OpenAI's own client against a site as `manage.py serve` runs it."""

import asyncio
import json
import urllib.request

import pytest
from openai import AsyncOpenAI

from tests.e2e import programs
from tests.e2e.site import Site
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.replies import says
from tests.fakes.waiting import Gate

pytestmark = pytest.mark.e2e

MODEL = "outcry-financial-debate"


def new_key(site: Site) -> str:
    """A key with every scope."""
    return programs.key_of(site, "watch", "start", "control")


def status(site: Site, key: str, conversation: str) -> str:
    address = f"{site.url}/api/conversations/{conversation}/"
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(asked) as answer:
        found: str = json.load(answer)["status"]
        return found


async def test_a_debate_is_streamed_and_one_that_is_left_is_cancelled(
    live_site: Site, model: OpenAIServer
) -> None:
    gate = Gate()
    key = await asyncio.to_thread(new_key, live_site)
    async with AsyncOpenAI(base_url=f"{live_site.url}/api/v1", api_key=key) as client:
        whole = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Is Tarnwick worth buying?"}],
            metadata={"rounds": "1"},
        )
        model.exchanges.clear()
        text, reasons = "", []
        async for chunk in await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Is Tarnwick worth buying?"}],
            metadata={"rounds": "1"},
            stream=True,
        ):
            text += chunk.choices[0].delta.content or ""
            reasons += [chunk.choices[0].finish_reason] if chunk.choices[0].finish_reason else []
        assert text.startswith("## Financial Analyst\n\nFinancial Analyst speaks (1).\n\n## Market Context")
        assert text == whole.choices[0].message.content
        assert ("## Verdict\n\n**Buy**" in text, reasons) == (True, ["stop"])

        model.answer(says("One ", "two.", gate=gate), to="Financial Analyst")
        gate.let()
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "And what of Holden?"}],
            metadata={"rounds": "1", "cancel_on_disconnect": "true"},
            stream=True,
        )
        async for chunk in stream:
            if "One" in (chunk.choices[0].delta.content or ""):
                break
        await stream.close()
        conversation = stream.response.headers["x-outcry-conversation"]
        exchange = next(each for each in model.asked if "Holden" in json.dumps(each.body))
        await model.until_closed_early(exchange)
    async with asyncio.timeout(20):
        while await asyncio.to_thread(status, live_site, key, conversation) != "cancelled":
            await asyncio.sleep(0.05)
