"""The models that Outcry can run itself. Standard library only: the set-up reads it, too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class LocalModel:
    """`entry` is what stands behind `local:` in OUTCRY_PROVIDERS. `size` is that of its file in bytes. `context` are
    the tokens that its `slots` share; each slot answers one turn, and further turns wait. `threads` is None for as many
    as the machine has to spare. `is_lean`: without a second form of the weights, which is faster and takes memory."""

    entry: str
    name: str
    file: str
    size: int
    sha256: str
    slots: int = 4
    context: int = 8192
    threads: int | None = None
    is_lean: bool = False


# An English turn takes 600 tokens, prompt and answer together; one in a script with three tokens a character takes at
# most ten times that.
SMALL: Final = LocalModel(
    entry="",
    name="SmolLM2-135M-Instruct",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
# One thread: with other work on the cores, two are several times slower than one.
CODER: Final = LocalModel(
    entry="qwen2.5-coder-1.5b",
    name="Qwen2.5-Coder-1.5B-Instruct",
    file="Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    slots=2,
    context=4096,
    threads=1,
    is_lean=True,
)
BY_ENTRY: Final[Mapping[str, LocalModel]] = {model.entry: model for model in (SMALL, CODER)}
BY_NAME: Final[Mapping[str, LocalModel]] = {model.name: model for model in (SMALL, CODER)}


def chosen(providers: Iterable[str]) -> LocalModel:
    """The model that these entries of OUTCRY_PROVIDERS name; the small one if they name none."""
    for entry in providers:
        kind, _, model = entry.strip().partition("?")[0].partition(":")
        if kind == "local" and model in BY_ENTRY:
            return BY_ENTRY[model]
    return SMALL
