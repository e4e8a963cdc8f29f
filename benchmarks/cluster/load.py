"""How much an installation is given to do."""

from dataclasses import dataclass

# A round of the default panel; its Moderator is not streamed.
TURNS = 3


@dataclass(frozen=True)
class Load:
    """`watchers` are of each debate, `rate` is a debate's tokens a second, `turn` a turn's tokens."""

    debates: int
    watchers: int
    turn: int
    rate: float = 50

    @property
    def tokens(self) -> int:
        """Of a debate."""
        return TURNS * self.turn

    @property
    def spoken(self) -> int:
        """Of all debates."""
        return self.debates * self.tokens

    @property
    def delivered(self) -> int:
        """Tokens that all watchers together should receive."""
        return self.spoken * self.watchers
