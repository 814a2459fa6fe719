"""One stored message, and how the messages of a conversation become turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import takewhile

from ragthrift.protocols import TokenCounter
from ragthrift.types import Message

FRAME_TOKENS = 4
"""What a chat format adds to each message: 3 or 4 in OpenAI's and Llama's, rounded up."""
_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation, as it was said."""

    id: str
    """Made from the message and all that went before, so that it names one place in one talk."""
    message: Message
    tokens: int
    """With the names and arguments of its tool calls, and the frame of a chat format."""
    at: float
    """When it was first seen, in seconds since 1970."""


def turns_of(
    messages: Sequence[Message],
    counter: TokenCounter,
    *,
    at: float,
    after: str = "",
    known: Mapping[str, Turn] | None = None,
) -> list[Turn]:
    """The turns that messages make; `after` is the id of the turn that they follow.

    Turns among the `known` are taken from there, since counting tokens takes time.

    A conversation that is sent again, longer, gives the same ids for the same beginning. One that
    was edited or answered anew gives other ids from there on.

    >>> from ragthrift.tokens import EstimatedTokens
    >>> talk = [Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Hi")]
    >>> short, long = (turns_of(talk[:n], EstimatedTokens(), at=0.0) for n in (2, 3))
    >>> [turn.id for turn in short] == [turn.id for turn in long[:2]], long[0].id == long[2].id
    (True, False)
    """
    turns = []
    for message in messages:
        after = turn_id(message, after)
        seen = known.get(after) if known else None
        turns.append(seen or Turn(after, message, message_tokens(message, counter), at))
    return turns


def rules_of(messages: Sequence[Message]) -> list[Message]:
    """The system messages that begin a conversation: no turns, since applications rewrite them."""
    return list(takewhile(lambda message: message.role == "system", messages))


def turn_id(message: Message, after: str) -> str:
    """The id of a message that follows the turn `after`; an empty `after` begins a talk."""
    calls = [part for call in message.tool_calls for part in (call.id, call.name, call.arguments)]
    parts = (after, message.role, message.tool_call_id or "", message.content, *calls)
    digest = blake2b(digest_size=_ID_BYTES)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def message_tokens(message: Message, counter: TokenCounter) -> int:
    """Tokens of a message as a prompt holds it: its tool calls and its frame are counted, too."""
    calls = sum(
        counter.count(call.name) + counter.count(call.arguments) for call in message.tool_calls
    )
    return counter.count(message.content) + calls + FRAME_TOKENS
