"""Turns in portions that each fit a window."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ragthrift.memory.turn import Turn, message_tokens
from ragthrift.memory.view import spoken
from ragthrift.protocols import TokenCounter

LABEL_TOKENS = 6
"""What a prompt writes before a turn: its number and who spoke."""
_MARGIN = 0.8
"""A part of a text can have more tokens than its share of the characters."""


def portions(turns: Sequence[Turn], room: int, counter: TokenCounter) -> list[list[Turn]]:
    """Adjacent turns of at most `room` tokens; a longer turn is split, and keeps its id.

    >>> from ragthrift.tokens import EstimatedTokens
    >>> from ragthrift.types import Message
    >>> long = Turn("t1", Message("user", "word " * 100), 129, 0.0)
    >>> found = portions([long], 60, EstimatedTokens())
    >>> len(found), "".join(t.message.content for part in found for t in part) == "word " * 100
    (4, True)
    """
    parts: list[list[Turn]] = [[]]
    left = room
    for turn in turns:
        for piece in _pieces(turn, room, counter):
            cost = piece.tokens + LABEL_TOKENS
            if cost > left and parts[-1]:
                parts.append([])
                left = room
            parts[-1].append(piece)
            left -= cost
    return parts


def _pieces(turn: Turn, room: int, counter: TokenCounter) -> Iterator[Turn]:
    if turn.tokens + LABEL_TOKENS <= room:
        yield turn
        return
    text = spoken(turn.message)
    chars = max(int(len(text) * (room - 2 * LABEL_TOKENS) / turn.tokens * _MARGIN), 1)
    for start in range(0, len(text), chars):
        message = replace(turn.message, content=text[start : start + chars], tool_calls=())
        yield replace(turn, message=message, tokens=message_tokens(message, counter))
