"""Where a conversation may be cut: never between a tool call and any of its results."""

from collections.abc import Sequence
from itertools import accumulate

from ragthrift.types import Message


def boundaries(messages: Sequence[Message]) -> list[bool]:
    """For each place from 0 to the end: whether what comes before it can be sent without the rest.

    A message that asks for tools is one with all their results, however many and wherever they
    stand. A call that waits for its result holds everything after it, until the user speaks again.

    >>> from ragthrift.types import ToolCall
    >>> calls = (ToolCall("a", "menu"), ToolCall("b", "prices"))
    >>> asked = Message("assistant", "", tool_calls=calls)
    >>> told = [Message("tool", "…", tool_call_id=name) for name in "ba"]
    >>> boundaries([Message("user", "Soup?"), asked, *told, Message("assistant", "Yes.")])
    [True, True, False, False, True, True]
    """
    steps = [0] * (len(messages) + 2)
    for start, end in _spans(messages):
        steps[start + 1] += 1
        steps[end + 1] -= 1
    held = list(accumulate(steps[: len(messages) + 1]))
    results = [message.role == "tool" for message in messages]
    return [
        not held[place] and not (place and place < len(messages) and results[place])
        for place in range(len(messages) + 1)
    ]


def _spans(messages: Sequence[Message]) -> list[tuple[int, int]]:
    """First and last place of each call with its result."""
    waiting: dict[str, int] = {}
    spans = []
    for place, message in enumerate(messages):
        waiting.update((call.id, place) for call in message.tool_calls)
        if message.tool_call_id in waiting:
            spans.append((waiting.pop(message.tool_call_id), place))
    asked = last_user(messages)
    return spans + [(start, len(messages)) for start in waiting.values() if start > asked]


def last_user(messages: Sequence[Message]) -> int:
    """The place of the user's last message, -1 if there is none."""
    places = (n for n in range(len(messages) - 1, -1, -1) if messages[n].role == "user")
    return next(places, -1)


def cut_for(messages: Sequence[Message], tokens: Sequence[int], *, start: int, keep: int) -> int:
    """Where to cut after `start` so that at most `keep` tokens stay; `start` for no cut at all.

    A cut before a message of the user is preferred, if at least a third of `keep` stays. The last
    message always stays, with all that is one with it, and may alone exceed `keep`.
    """
    allowed = boundaries(messages)
    places = [n for n in range(start + 1, len(messages)) if allowed[n]]
    left = list(accumulate(reversed(tokens)))[::-1]
    fitting = [n for n in places if left[n] <= keep]
    asking = [n for n in fitting if messages[n].role == "user" and 3 * left[n] >= keep]
    return next(iter([*asking, *fitting, *places[-1:]]), start)
