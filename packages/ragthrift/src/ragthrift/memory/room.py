"""How many tokens each part of a view may take."""

from dataclasses import astuple, dataclass

from ragthrift.errors import InputError


@dataclass(frozen=True, slots=True)
class Room:
    """Tokens for each part of what is sent beside the recent turns.

    >>> Room(facts=200).facts
    200
    """

    summary: int = 300
    """One segment's summary, at most."""
    summaries: int = 1500
    """All summaries: when they are longer, they are merged into one of at most a third of it."""
    facts: int = 400
    """Facts that are always sent. Others stay within reach of recall."""
    recall: int = 250
    """Old turns, word for word, where a question needs them; 0 for none."""
    clip: int = 1000
    """A tool result of an answered question; longer ones are cut, with a handle to fetch them."""

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0 or min(self.summary, self.clip) < 1:
            raise InputError(f"{self} must hold numbers of tokens, summary and clip at least 1")
