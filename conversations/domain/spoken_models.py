"""The column `models_used` of a conversation: the models that have spoken, each in a line of its own. Pure."""


def line(model: str) -> str:
    """The model's entry, with a line end on both sides, so that no longer name holds it."""
    return f"\n{model}\n"


def names(column: str | None) -> list[str]:
    """The models in the order of their entries."""
    return [name for name in (column or "").split("\n") if name]
