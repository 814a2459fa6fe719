"""The situation of a conversation, as a policy weighs it."""

from collections.abc import Callable, Sequence

from ragthrift.memory.account import Account
from ragthrift.memory.billed import Billed
from ragthrift.memory.compaction import Plan, summary_limit
from ragthrift.memory.policy import ASSUMED, Caching, Situation
from ragthrift.memory.room import Room
from ragthrift.memory.summariser import Summariser
from ragthrift.memory.view import memory_messages
from ragthrift.protocols import TokenCounter
from ragthrift.types import Message

_RECALLS, _RECALLABLE = 3, 10
"""Calls that recalled something among those that could, before any were counted."""


def situation_of(
    plan: Plan,
    *,
    rules: Sequence[Message],
    tokens: Callable[[Message], int],
    account: Account,
    room: Room,
    counter: TokenCounter,
    summariser: float,
) -> Situation:
    """A prompt in parts; `summariser` are the dollars that the summary will take."""
    turns = (*plan.cut.old, *plan.cut.recent)
    sent = [*rules, *memory_messages(plan.cut, room, counter)]
    kept = [turn.message for turn in plan.cut.kept]
    calls = 1 + sum(turn.message.role == "assistant" for turn in turns)
    recalling = (account.recalls + _RECALLS) / (account.recallable_calls + _RECALLABLE)
    return Situation(
        before=sum(map(tokens, [*sent, *kept])),
        old=plan.old_tokens,
        recent=plan.recent_tokens,
        summary=summary_limit(plan, room),
        fresh=sum(turn.tokens for turn in turns) // calls,
        calls=calls,
        warm=min((account.warm_calls + 1) / max(account.calls, 1), 1.0),
        recall=recalling * min(room.recall, sum(turn.tokens for turn in plan.turns)),
        summariser=summariser,
    )


def summary_dollars(
    summariser: Summariser, plan: Plan, prompt_tokens: int, limit: int, caching: Caching
) -> float:
    """What a summary is expected to cost, in the unit of the policy; 0 for one without a model."""
    if not isinstance(summariser, Billed):
        return 0.0
    price = ASSUMED if caching.price is None else summariser.price or caching.price
    raw = sum(turn.tokens for turn in plan.turns)
    return price.dollars(summariser.expected(raw, prompt_tokens, limit))
