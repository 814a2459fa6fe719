"""Made-up conversations."""

from collections.abc import Iterable

from ragthrift import Message
from ragthrift.memory.turn import Turn, turns_of
from ragthrift.tokens import EstimatedTokens

COUNTER = EstimatedTokens()
SMALL_TALK = (
    "The weather in the hills was lovely, and the trees had turned red.",
    "We saw a play about two brothers who never spoke to each other.",
    "The train was late, so everybody read the newspaper twice.",
    "The garden needs rain, the roses above all.",
    "They repaired the bridge with timber from the old mill.",
    "A violinist played on the square until it was dark.",
)


def talk(*texts: str, at: float = 0.0) -> list[Turn]:
    """Turns of user and assistant, one after the other."""
    roles = ("user", "assistant")
    said = [Message(roles[n % 2], text) for n, text in enumerate(texts)]  # type: ignore[arg-type]
    return turns_of(said, COUNTER, at=at)


def chatter(count: int) -> list[str]:
    """Texts that name no one and nothing of anyone's."""
    return [f"{SMALL_TALK[n % len(SMALL_TALK)]} That was part {n} of it." for n in range(count)]


def texts(turns: Iterable[Turn]) -> list[str]:
    """What was said."""
    return [turn.message.content for turn in turns]
