"""Old turns for the question at hand, if it needs any."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from ragthrift.memory.gate import asked_part
from ragthrift.memory.segment import Fact
from ragthrift.memory.turn import FRAME_TOKENS, Turn
from ragthrift.memory.view import RECALLED, SUMMARY, Cut
from ragthrift.protocols import TokenCounter
from ragthrift.types import Message, Passage

Gate = Callable[[str, Sequence[Message]], bool]
"""`(query, window) -> bool`: whether old turns may hold what the window, which is sent, lacks."""


@runtime_checkable
class Recaller(Protocol):
    """Finds old turns."""

    def recall(
        self,
        query: str,
        turns: Sequence[Turn],
        *,
        budget_tokens: int,
        exclude: Sequence[Passage] = (),
        facts: Sequence[Fact] = (),
    ) -> list[Turn]:
        """Those of `turns` that tell most about `query`, in their order, within the budget.

        What the passages in `exclude` say is not said again; facts point to their turns.
        """
        ...


def recalled_for(
    cut: Cut,
    window: Sequence[Message],
    recaller: Recaller,
    gate: Gate,
    *,
    max_tokens: int,
    counter: TokenCounter,
    passages: Sequence[Passage] = (),
) -> list[Turn]:
    """Old turns for the user's last message; `window` is what is sent before it.

    While tools work on the answer these are the same turns at the same place, which caches need.
    """
    question, old = cut.question, cut.recallable
    budget = max_tokens - FRAME_TOKENS - counter.count(RECALLED)
    if question is None or not old or budget < 1:
        return []
    text = question.message.content
    # A summary names what it leaves out: what it names is not known from it.
    told = [message for message in window if not message.content.startswith(SUMMARY)]
    if not gate(text, told):
        return []
    query = asked_part(text)
    return recaller.recall(query, old, budget_tokens=budget, exclude=passages, facts=cut.facts)
