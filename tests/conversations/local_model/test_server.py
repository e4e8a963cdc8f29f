"""The local model as it runs: the real process, the real weights, the real signals."""

import asyncio
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import ag2
import httpx2
import pytest
from ag2.config import OpenAIConfig
from ag2.events import ModelMessageChunk
from ag2.stream import MemoryStream

from conversations.domain.events import AgentMessage, Complete, Figures, ToolEnd, ToolStart
from conversations.local_model import supervisor
from conversations.local_model.models import SMALL
from conversations.local_model.process import REPOSITORY, ModelProcess, find_running
from conversations.prompts.grounded import speech
from conversations.prompts.small_model import (
    VERDICT_SAMPLING,
    VOICES,
    LocalSummary,
    moderator_prompt,
    speaker_prompt,
)
from conversations.prompts.spoken import Spoken
from conversations.providers.catalog import parse
from evidence.checker.check import check
from evidence.checker.verdicts import Label
from evidence.freezing.freeze import freeze
from evidence.instruments import resolve
from tests.evidence.snapshots import APPLE_2012
from tests.support.held import hold, only, sum_of

pytestmark = pytest.mark.local_model

DEADLINE = 60.0
TOPIC = "Should we buy NVIDIA at today's price?"


@pytest.fixture(scope="module")
def model_path() -> Path:
    default = REPOSITORY / "var" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    path = Path(os.environ.get("OUTCRY_TEST_MODEL") or default)
    if not path.exists():
        reason = f"the local model is not at {path}; `make setup` fetches it, OUTCRY_TEST_MODEL names another place"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture
def model(model_path: Path, tmp_path: Path) -> Iterator[ModelProcess]:
    model = ModelProcess(model_path, state_file=tmp_path / "local-model.json", log=tmp_path / "llama.log")
    try:
        assert eventually(lambda: model.url is not None), (tmp_path / "llama.log").read_text()
        yield model
    finally:
        model.stop()


@pytest.fixture
def served(model_path: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command on its own, as a supervisor would start it."""
    with command(model_path, tmp_path / "llama.log") as process:
        yield process
        process.kill()


def command(model_path: Path, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "conversations.local_model.server", model_path, log, SMALL.name],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


def running_pid(folder: Path) -> int:
    return int(json.loads((folder / "local-model.json").read_text())["pid"])


def ended(pid: int) -> bool:
    """Waits for the end of a process that is not a child of ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], DEADLINE)[0])
    finally:
        os.close(descriptor)


@asynccontextmanager
async def config(url: str | None, **options: Any) -> AsyncIterator[OpenAIConfig]:
    """With a client of its own, so that its connection is closed with it."""
    async with httpx2.AsyncClient(timeout=DEADLINE) as client:
        yield OpenAIConfig(
            model=SMALL.name, api_key="none", base_url=url, max_retries=0, http_client=client, **options
        )


async def say(
    url: str | None,
    role: str,
    round_number: int,
    last: tuple[str, str] | None,
    grounded: str | None = None,
) -> tuple[list[str], str | None]:
    """What the role says, in the pieces it comes in, and why it ended."""
    content = "Revenue rose 94% to $35.1 billion."
    prompt = speaker_prompt(role, TOPIC, content, round_number, last, grounded=grounded)
    pieces: list[str] = []

    async def hear(chunk: ModelMessageChunk) -> None:
        pieces.append(chunk.content)

    stream = MemoryStream()
    stream.where(ModelMessageChunk).subscribe(hear)
    async with config(url, streaming=True, **prompt.sampling) as connected:
        reply = await ag2.Agent(role, prompt.system, config=connected).ask(prompt.user, stream=stream)
    return pieces, reply.response.finish_reason


async def test_every_role_streams_whole_sentences_without_figures(model: ModelProcess) -> None:
    answers = []
    for role in VOICES:
        pieces, finish_reason = await say(
            model.url, role, 2, ("Alice", "The price is too high for what it earns.")
        )
        answer = "".join(pieces)

        assert finish_reason == "stop", answer
        assert len(pieces) > 10, answer
        assert re.fullmatch(r"[^\n\d#*]+[.!?]", answer), answer
        assert "Alice" in answer
        answers.append(answer)
    assert len(set(answers)) == len(VOICES)


async def test_a_speech_about_a_record_has_only_figures_that_are_right(model: ModelProcess) -> None:
    record = freeze(resolve(APPLE_2012.symbol), APPLE_2012.as_of)
    said = [Spoken("market_context", "Market Context", "Apple gained 31.4% [E7] over twelve months.")]
    grammar = speech.grammar(record, "risk_challenger", APPLE_2012.question, 2, said)

    pieces, finish_reason = await say(model.url, "risk_challenger", 2, (said[0].name, said[0].text), grammar)

    answer = "".join(pieces)
    assert finish_reason == "stop", answer
    assert len(pieces) > 30, answer
    assert "Market Context" in answer
    labels = {figure.label for figure in check(answer, record)}
    assert labels
    assert labels <= {Label.MATCHED, Label.DERIVED}, answer


async def test_more_debates_than_slots_are_all_answered(model: ModelProcess) -> None:
    answers = await asyncio.gather(*(say(model.url, "market_context", 1, None) for _ in range(6)))

    assert {finish_reason for _, finish_reason in answers} == {"stop"}


async def test_the_moderators_summary_is_valid(model: ModelProcess) -> None:
    prompt = moderator_prompt(
        TOPIC, [("Alice", "The price is too high."), ("Bob", "Demand will grow for years.")]
    )
    async with config(model.url, **VERDICT_SAMPLING) as connected:
        moderator = ag2.Agent("moderator", prompt.system, config=connected, response_schema=LocalSummary)
        reply = await moderator.ask(prompt.user)
        verdict = await reply.content()

    assert isinstance(verdict, LocalSummary)


def test_it_listens_on_loopback_only(model: ModelProcess) -> None:
    assert model.url
    port = int(model.url.rpartition(":")[2].partition("/")[0])
    listening = "0A"
    table = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]

    addresses = [row[1] for row in table if row[3] == listening and row[1].endswith(f":{port:04X}")]

    assert addresses == [f"0100007F:{port:04X}"]


def test_killed_it_comes_back(model: ModelProcess, tmp_path: Path) -> None:
    pid = running_pid(tmp_path)

    os.kill(pid, signal.SIGKILL)

    assert eventually(lambda: running_pid(tmp_path) != pid)
    assert eventually(lambda: model.url is not None)
    # Asked for a second only, which a busy machine may need.
    assert eventually(lambda: find_running(tmp_path / "local-model.json") == model.url)


def test_another_process_finds_it_while_it_runs(model: ModelProcess, tmp_path: Path) -> None:
    state_file = tmp_path / "local-model.json"
    assert eventually(lambda: find_running(state_file) == model.url)

    pid = running_pid(tmp_path)
    started = time.monotonic()
    model.stop()

    assert time.monotonic() - started < 5
    assert ended(pid)
    assert find_running(state_file) is None


@pytest.mark.parametrize(
    "state",
    ["", "[]", "{}", '{"url": "http://127.0.0.1:1/v1"}', '{"url": "http://example.org:80/v1"}', '{"url": 7}'],
)
def test_a_stale_or_strange_state_file_finds_nothing(state: str, tmp_path: Path) -> None:
    state_file = tmp_path / "local-model.json"
    state_file.write_text(state)

    assert find_running(state_file) is None


def test_stopped_before_it_was_ready_it_leaves_nothing(model_path: Path, tmp_path: Path) -> None:
    model = ModelProcess(model_path, state_file=tmp_path / "local-model.json", log=tmp_path / "llama.log")

    model.stop()

    assert model.url is None
    assert not (tmp_path / "local-model.json").exists()


def test_the_command_says_where_it_serves_and_ends_on_sigterm(served: subprocess.Popen[bytes]) -> None:
    assert served.stdout
    ready = json.loads(served.stdout.readline())
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", ready["url"])
    assert ready["pid"] == served.pid

    served.terminate()

    assert served.wait(DEADLINE) == 0
    assert served.stdout.read() == b""


def test_it_goes_when_its_stdin_closes(served: subprocess.Popen[bytes]) -> None:
    assert served.stdin
    assert served.stdout
    served.stdout.readline()

    served.stdin.close()

    assert served.wait(DEADLINE) == -signal.SIGKILL


def test_it_goes_when_its_supervisor_is_killed(model_path: Path, tmp_path: Path) -> None:
    state_file = tmp_path / "local-model.json"
    supervisor = f"""
import sys, time
from pathlib import Path
from conversations.local_model.models import SMALL
from conversations.local_model.process import ModelProcess
model = ModelProcess(Path({str(model_path)!r}), state_file=Path({str(state_file)!r}), log=Path({os.devnull!r}))
while model.url is None:
    time.sleep(0.05)
print("ready", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", supervisor], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        pid = json.loads(state_file.read_text())["pid"]

        process.kill()

        assert ended(pid)
    assert find_running(state_file) is None


def test_a_model_that_does_not_load_is_said_in_the_log(tmp_path: Path) -> None:
    with command(tmp_path / "none.gguf", tmp_path / "llama.log") as process:
        assert process.wait(DEADLINE) == 1
        assert process.stdout
        assert process.stdout.read() == b""
    assert "none.gguf does not start" in (tmp_path / "llama.log").read_text()


async def test_a_sum_is_answered_by_the_one_call_that_is_offered(
    model: ModelProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def url() -> str | None:
        return model.url

    monkeypatch.setattr(supervisor, "url", url)
    events = await hold(sum_of("What is 15% of 850?", parse("local")))
    [start], [end] = only(ToolStart, events), only(ToolEnd, events)
    assert (start.tool, json.loads(start.input)) == ("calculate", {"expression": "15% of 850"})
    assert end.output == "15% of 850 = 127.5 [E1]"
    [said] = only(AgentMessage, events)
    assert said.content in {
        "15% of 850 is 127.5 [E1].",
        "The result of 15% of 850 is 127.5 [E1].",
        "15% of 850 comes to 127.5 [E1].",
    }
    assert only(Figures, events)[-1].items[-1].label == "matched"
    assert (said.cost, only(Complete, events)[0].reason) == (0, "not_a_debate")
