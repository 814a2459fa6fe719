"""What a block tells of flushed messages, as text."""

import re
from collections.abc import Callable, Sequence

from ragthrift import Message
from ragthrift.memory import Gate, Recaller, Room, Stored, turns_of
from ragthrift.memory.groups import last_user
from ragthrift.memory.recalling import recalled_for
from ragthrift.memory.turn import rules_of
from ragthrift.memory.view import (
    FACTS,
    LEFT_OUT,
    RECALLED,
    SUMMARY,
    Cut,
    cut_of,
    memory_messages,
    recent_messages,
    spoken,
)
from ragthrift.protocols import TokenCounter

RECENT = "The end of what came before, word for word:"
_GO_FIRST = (LEFT_OUT, SUMMARY, RECENT, RECALLED, FACTS)
"""What is truncated first; on LoCoMo, recalled turns answer more than summaries of their length."""
_SECTION = re.compile(rf"\n\n(?={'|'.join(map(re.escape, _GO_FIRST))})")


def sections_of(
    stored: Stored,
    active: Sequence[Message],
    *,
    recaller: Recaller,
    gate: Gate,
    room: Room,
    counter: TokenCounter,
) -> list[str]:
    """Facts, summaries, what has no summary yet, and what the question in `active` asks for.

    `active` is what LlamaIndex still sends itself, up to the question.
    """
    rules = rules_of([turn.message for turn in stored.turns])
    cut = cut_of(stored.turns[len(rules) :], stored.state)
    derived = memory_messages(cut, room, counter)
    system = [turn.message for turn in cut.old if turn.message.role == "system"]
    recent = [*rules, *system, *recent_messages(cut, room)]
    sections = [*(message.content for message in derived), *_section(RECENT, recent)]
    asked = last_user(active)
    if asked < 0:
        return sections
    whole = Cut(
        cut.segments,
        cut.old,
        (*cut.recent, *turns_of(active, counter, at=0.0, after=stored.turns[-1].id)),
    )
    window = [*derived, *recent, *active[:asked]]
    found = recalled_for(whole, window, recaller, gate, max_tokens=room.recall, counter=counter)
    return [*sections, *_section(RECALLED, [turn.message for turn in found])]


def without(text: str, tokens: int, count: Callable[[str], int]) -> str | None:
    r"""The text shorter by so many tokens or more, by whole sections; `None` if none may stay.

    >>> text = "\n\n".join([f"{FACTS}\n- id 4711", f"{SUMMARY}\nSoup.", f"{SUMMARY}\nCake."])
    >>> without(text, 4, lambda text: len(text.split())).splitlines()[-1]
    'Cake.'
    >>> without(text, 99, lambda text: len(text.split())) is None
    True
    """
    sections, most = _SECTION.split(text), count(text) - tokens
    for section in sorted(sections, key=_rank):
        if count("\n\n".join(sections)) <= most:
            break
        sections.remove(section)
    return "\n\n".join(sections) or None


def _rank(section: str) -> int:
    ranks = (at for at, heading in enumerate(_GO_FIRST) if section.startswith(heading))
    return next(ranks, 0)


def _section(heading: str, messages: Sequence[Message]) -> list[str]:
    lines = [f"[{message.role}] {spoken(message)}" for message in messages]
    return ["\n".join([heading, *lines])] if lines else []
