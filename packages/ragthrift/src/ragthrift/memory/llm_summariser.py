"""Summaries by a language model of its own, best a cheap one."""

from collections.abc import Sequence
from dataclasses import replace

from ragthrift.errors import ContextOverflowError, InputError
from ragthrift.memory.asking import Asking
from ragthrift.memory.portions import portions
from ragthrift.memory.prompts import FACT_TOKENS, summary_prompt
from ragthrift.memory.segment import Fact
from ragthrift.memory.summariser import Summary, SummaryError
from ragthrift.memory.turn import Turn, message_tokens
from ragthrift.protocols import LLM, TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message, Price
from ragthrift.usage import Usage

LEAST_CONTEXT = 1500
"""The instruction, an answer, and turns enough to be worth a call."""


class LLMSummariser:
    """Asks `llm` for a summary and the facts in one call.

    Turns that do not fit `context_tokens`, prompt and answer together, are summarised in portions,
    and the summaries once more: nothing is trimmed. An answer that was cut off, is too long, or is
    no answer is asked for once more and then raises `SummaryError`; the tokens of all calls are in
    `usage`, there too. `price` is the model's; `None` for that of the model that answers.

    >>> from ragthrift.memory.turn import turns_of
    >>> from ragthrift.testing import ScriptedLLM
    >>> llm = ScriptedLLM('{"summary": "Ann asks for soup.", "facts": []}')
    >>> talk = turns_of([Message("user", "I am Ann. Soup?")], EstimatedTokens(), at=0.0)
    >>> LLMSummariser(llm).summarise(talk, before="", max_tokens=50).text
    'Ann asks for soup.'
    """

    def __init__(
        self,
        llm: LLM,
        *,
        price: Price | None = None,
        context_tokens: int = 16_000,
        counter: TokenCounter | None = None,
    ) -> None:
        if context_tokens < LEAST_CONTEXT:
            raise InputError(f"context_tokens={context_tokens} must be at least {LEAST_CONTEXT}")
        self.price = price
        self._llm = llm
        self._context_tokens = context_tokens
        self._counter = counter or EstimatedTokens()

    def expected(self, turn_tokens: int, prompt_tokens: int, max_tokens: int) -> Usage:  # noqa: ARG002
        """The turns, the instruction with each portion of them, and the answers."""
        instruction = sum(map(self._count, summary_prompt([], before="", facts=(), max_tokens=1)))
        calls = 1 + turn_tokens // self._context_tokens
        return Usage(turn_tokens + calls * instruction, calls * (max_tokens + FACT_TOKENS // 4))

    def summarise(
        self,
        turns: Sequence[Turn],
        *,
        before: str,
        max_tokens: int,
        facts: Sequence[Fact] = (),
        prompt: Sequence[Message] = (),  # noqa: ARG002  (another model's)
    ) -> Summary:
        """One call, or several where the turns do not fit."""
        asking, context = Asking(self._llm, self._counter), self._context_tokens
        while context >= LEAST_CONTEXT:
            try:
                made = self._within(context, asking, turns, (before, tuple(facts)), max_tokens)
                return replace(made, usage=asking.used)
            except ContextOverflowError:  # the counter counts fewer tokens than the model does
                context //= 2
        raise SummaryError("the turns overflow the model's window in portions, too", asking.used)

    def _within(
        self,
        context: int,
        asking: Asking,
        turns: Sequence[Turn],
        known: tuple[str, tuple[Fact, ...]],
        max_tokens: int,
    ) -> Summary:
        empty = _Prompt((), *known)(max_tokens)
        room = context - sum(map(self._count, empty)) - 2 * max_tokens - FACT_TOKENS
        if room < 2 * max_tokens:
            raise SummaryError(f"context_tokens={context} leaves no room for turns", asking.used)
        parts = portions(turns, room, self._counter)
        made = [asking.summary(_Prompt(part, *known), part, max_tokens) for part in parts]
        if len(made) == 1:
            return made[0]
        said = [self._turn(n, summary.text) for n, summary in enumerate(made)]
        whole = self._within(context, asking, said, known, max_tokens)
        return replace(whole, facts=tuple(fact for summary in made for fact in summary.facts))

    def _turn(self, number: int, text: str) -> Turn:
        message = Message("assistant", text)
        return Turn(f"portion {number}", message, self._count(message), 0.0)

    def _count(self, message: Message) -> int:
        return message_tokens(message, self._counter)


class _Prompt:
    """The prompt for some turns, at any length of the summary."""

    def __init__(self, turns: Sequence[Turn], before: str, facts: Sequence[Fact]) -> None:
        self._turns, self._before, self._facts = turns, before, facts

    def __call__(self, max_tokens: int) -> list[Message]:
        return summary_prompt(
            self._turns, before=self._before, facts=self._facts, max_tokens=max_tokens
        )
