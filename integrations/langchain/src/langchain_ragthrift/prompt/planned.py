"""A plan of breakpoints for LangChain's messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, SystemMessage

from langchain_ragthrift.prompt.marking import message_text, tool_text
from ragthrift.prompt import CachePlan, Stretch, Traffic, plan_breakpoints
from ragthrift.provider_cache import CacheRules
from ragthrift.tokens import EstimatedTokens

_counter = EstimatedTokens()
_LOOP = Traffic.every(10, calls=3)
"""Of an agent that has tools or a history: it is expected to go on twice."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Where markers go."""

    plan: CachePlan
    stable: str | None = None
    """Lifetime of what ends with the stable part; `None` for no marker there."""
    talk: str | None = None
    """Lifetime of what ends with the last message that stays."""


class Planner:
    """Plans from token estimates: a tool's schema is counted once."""

    def __init__(self, shared: Traffic | None, session: Traffic | None) -> None:
        self._shared = Traffic.every(1) if shared is None else shared
        self._session = session
        self._counted: dict[int, tuple[Any, int]] = {}

    def plan(
        self,
        system: Sequence[BaseMessage],
        talk: Sequence[BaseMessage],
        tools: Sequence[Any],
        rules: CacheRules,
    ) -> Planned:
        """For a prompt whose stable part is tools and system messages, and whose talk goes on."""
        size = sum(map(self._tool_tokens, tools)) + _tokens(system)
        stretches = []
        if size:
            stretches.append(Stretch("the stable part", 1, size, self._shared))
        session = self._session or (_LOOP if tools or len(talk) > 1 else Traffic.once())
        if talk:
            stretches.append(Stretch("the conversation", 2, size + _tokens(talk), session))
        plan = plan_breakpoints(stretches, rules)
        lifetimes = {mark.after: mark.lifetime for mark in plan.breakpoints}
        return Planned(plan, lifetimes.get(1), lifetimes.get(2))

    def _tool_tokens(self, tool: Any) -> int:
        known = self._counted.get(id(tool))
        if known is None or known[0] is not tool:
            known = self._counted[id(tool)] = (tool, _counter.count(tool_text(tool)))
        return known[1]


def leading(messages: Sequence[BaseMessage], fits: Callable[[BaseMessage], bool]) -> int:
    """How many messages at the beginning fit."""
    return next((n for n, one in enumerate(messages) if not fits(one)), len(messages))


def is_system(message: BaseMessage) -> bool:
    """Whether a message holds rules."""
    return isinstance(message, SystemMessage)


def _tokens(messages: Sequence[BaseMessage]) -> int:
    return sum(_counter.count(message_text(message)) for message in messages)
