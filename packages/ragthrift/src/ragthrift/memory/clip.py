"""A long tool result in few words, with a handle by which the whole is fetched back."""

from ragthrift.memory.turn import FRAME_TOKENS, Turn
from ragthrift.types import Message

HANDLE_LENGTH = 12
_HEAD = 0.7
"""Share of what is kept that is taken from the beginning: lists come sorted, best first."""
_NOTE_TOKENS = 30


def clipped(turn: Turn, max_tokens: int) -> Message:
    """The message of a turn; a tool result that is longer keeps its beginning and its end.

    >>> long = Message("tool", "row " * 900, tool_call_id="a")
    >>> text = clipped(Turn("b5e2f0c49d77", long, 904, 0.0), 100).content
    >>> text.splitlines()[1], len(text) < 400
    ('[… about 834 tokens left out; handle b5e2f0c49d77 …]', True)
    """
    message = turn.message
    if message.role != "tool" or turn.tokens <= max_tokens:
        return message
    text, room = message.content, max(max_tokens - _NOTE_TOKENS, 0)
    chars = int(room * len(text) / max(turn.tokens - FRAME_TOKENS, 1))
    head = int(chars * _HEAD)
    note = f"\n[… about {turn.tokens - room} tokens left out; handle {turn.id[:HANDLE_LENGTH]} …]\n"
    short = text[:head] + note + text[len(text) - (chars - head) :]
    if len(short) >= len(text):
        return message
    return Message(message.role, short, message.tool_calls, message.tool_call_id)
