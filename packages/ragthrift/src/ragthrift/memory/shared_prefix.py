"""Summaries by the model that answers, on the prompt that its provider has in the cache."""

from collections.abc import Sequence
from dataclasses import replace

from ragthrift.errors import ContextOverflowError
from ragthrift.memory.asking import Asking
from ragthrift.memory.llm_summariser import LLMSummariser
from ragthrift.memory.prompts import FACT_TOKENS, shared_prompt
from ragthrift.memory.segment import Fact
from ragthrift.memory.summariser import Summary
from ragthrift.memory.turn import Turn
from ragthrift.protocols import LLM, TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message, Price
from ragthrift.usage import Usage

_INSTRUCTION_TOKENS = 300
_OPENING_TOKENS = 15
_TURN_TOKENS = 60
"""Of a usual turn, by which the number of turns is told from their tokens."""


class SharedPrefixSummariser:
    """Appends the instruction to the last prompt, which is billed as cached tokens.

    `llm` must send exactly what the application's model sends: the same model, tools and settings.
    Where the last prompt does not hold the turns, as after a restart, or does not fit with the
    instruction, the turns are sent as `LLMSummariser` sends them.
    """

    def __init__(
        self,
        llm: LLM,
        *,
        price: Price | None = None,
        context_tokens: int = 100_000,
        counter: TokenCounter | None = None,
    ) -> None:
        self.price = price
        self._llm = llm
        self._counter = counter or EstimatedTokens()
        self._apart = LLMSummariser(
            llm, price=price, context_tokens=context_tokens, counter=self._counter
        )

    def expected(self, turn_tokens: int, prompt_tokens: int, max_tokens: int) -> Usage:
        """The last prompt from the cache, the instruction, and the answer."""
        if not prompt_tokens:
            return self._apart.expected(turn_tokens, 0, max_tokens)
        added = _INSTRUCTION_TOKENS + turn_tokens // _TURN_TOKENS * _OPENING_TOKENS
        return Usage(
            prompt_tokens + added, max_tokens + FACT_TOKENS // 4, cache_read_tokens=prompt_tokens
        )

    def summarise(
        self,
        turns: Sequence[Turn],
        *,
        before: str,
        max_tokens: int,
        facts: Sequence[Fact] = (),
        prompt: Sequence[Message] = (),
    ) -> Summary:
        """One call on the shared prefix, if the prompt holds every turn whole."""
        held = set(prompt)
        spent = Usage()
        if turns and all(turn.message in held for turn in turns):
            asking = Asking(self._llm, self._counter)

            def prompt_for(limit: int) -> list[Message]:
                return shared_prompt(prompt, turns, before=before, facts=facts, max_tokens=limit)

            try:
                return asking.summary(prompt_for, turns, max_tokens)
            except ContextOverflowError:
                spent = asking.used
        made = self._apart.summarise(turns, before=before, max_tokens=max_tokens, facts=facts)
        return replace(made, usage=spent + made.usage)
