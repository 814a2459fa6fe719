"""Summarisers that cost money say how much."""

from typing import Protocol, runtime_checkable

from ragthrift.types import Price
from ragthrift.usage import Usage


@runtime_checkable
class Billed(Protocol):
    """What a summariser has if it calls a model; one that lacks it is taken to be free."""

    @property
    def price(self) -> Price | None:
        """Of its model; `None` for that of the model that answers."""
        ...

    def expected(self, turn_tokens: int, prompt_tokens: int, max_tokens: int) -> Usage:
        """What a summary of so many tokens will use, if the last prompt had `prompt_tokens`."""
        ...
