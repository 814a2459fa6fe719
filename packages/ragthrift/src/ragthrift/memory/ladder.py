"""Summarisers one after the other, until one succeeds."""

from collections.abc import Sequence
from dataclasses import replace

from ragthrift.errors import InputError
from ragthrift.memory.acceptance import accepted
from ragthrift.memory.billed import Billed
from ragthrift.memory.segment import Fact
from ragthrift.memory.summariser import Summariser, Summary, SummaryError
from ragthrift.memory.turn import Turn
from ragthrift.protocols import TokenCounter
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message, Price
from ragthrift.usage import Usage


class SummariserLadder:
    """Tries the first; where it fails or gives what may not be used, the next.

    With a free summariser as the last rung, a prompt above its limit is shortened even while the
    provider is down. The tokens of the failed ones are in `usage`, at the price of the first.
    """

    def __init__(
        self, summarisers: Sequence[Summariser], *, counter: TokenCounter | None = None
    ) -> None:
        if not summarisers:
            raise InputError("a ladder needs at least one summariser")
        self._rungs = tuple(summarisers)
        self._counter = counter or EstimatedTokens()

    @property
    def price(self) -> Price | None:
        """Of the first that has one."""
        return next((rung.price for rung in self._rungs if isinstance(rung, Billed)), None)

    def expected(self, turn_tokens: int, prompt_tokens: int, max_tokens: int) -> Usage:
        """What the first is expected to use."""
        first = self._rungs[0]
        if not isinstance(first, Billed):
            return Usage()
        return first.expected(turn_tokens, prompt_tokens, max_tokens)

    def summarise(
        self,
        turns: Sequence[Turn],
        *,
        before: str,
        max_tokens: int,
        facts: Sequence[Fact] = (),
        prompt: Sequence[Message] = (),
    ) -> Summary:
        """The summary of the first that gives one; `SummaryError` with all reasons if none does."""
        used, reasons = Usage(), []
        for rung in self._rungs:
            try:
                summary = rung.summarise(
                    turns, before=before, max_tokens=max_tokens, facts=facts, prompt=prompt
                )
                summary = accepted(summary, max_tokens=max_tokens, counter=self._counter)
            except Exception as error:  # noqa: BLE001  (the next one is there for any of them)
                used += error.usage if isinstance(error, SummaryError) else Usage()
                reasons.append(f"{type(error).__name__}: {error}")
            else:
                return replace(summary, usage=used + summary.usage)
        raise SummaryError("; ".join(reasons), used)
