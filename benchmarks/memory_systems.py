"""The memory of ragthrift, and the plain ways to do without one."""

import json
from collections.abc import Callable, Sequence
from itertools import count

from benchmarks.memory_replay import OUTPUT_PRICE, Remembering, System, Writer
from ragthrift import Completion, Message, Price, Usage
from ragthrift.memory.extractive import ExtractiveSummariser
from ragthrift.memory.llm_summariser import LLMSummariser
from ragthrift.memory.memory import ConversationMemory
from ragthrift.memory.policy import Caching, Policy
from ragthrift.memory.recall import Recall
from ragthrift.memory.segment import Fact
from ragthrift.memory.summariser import Summariser, Summary
from ragthrift.memory.turn import Turn
from ragthrift.protocols import Embedder
from ragthrift.tokens import OpenAITokens

_SESSION = "replay"
_SECONDS = 60.0
"""Between calls, so that a provider's cache holds."""


class Counted:
    """A summariser whose calls are counted."""

    def __init__(self, inner: Summariser, writer: Writer) -> None:
        self._inner, self._writer = inner, writer

    def summarise(
        self,
        turns: Sequence[Turn],
        *,
        before: str,
        max_tokens: int,
        facts: Sequence[Fact] = (),
        prompt: Sequence[Message] = (),
    ) -> Summary:
        """Ask the inner one."""
        self._writer.calls += 1
        return self._inner.summarise(
            turns, before=before, max_tokens=max_tokens, facts=facts, prompt=prompt
        )


class WritingModel:
    """The writer as a model that answers what `LLMSummariser` asks for."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,  # noqa: ARG002  (its texts are shorter)
        stop: Sequence[str] = (),  # noqa: ARG002
    ) -> Completion:
        """A summary without facts; the writer counts its tokens."""
        text = json.dumps({"summary": self._writer.write(messages), "facts": []})
        return Completion(text, Usage(), "writer")


class Ours(Remembering):
    """`ConversationMemory` as it is made, at a price for cached tokens."""

    def __init__(
        self,
        writer: Writer,
        cached_price: float,
        embedder: Embedder | None = None,
        summariser: Summariser | None = None,
    ) -> None:
        counter = OpenAITokens()
        ticks = count()
        self._memory = ConversationMemory(
            summariser=summariser or Counted(ExtractiveSummariser(counter=counter), writer),
            recall=Recall(embedder),
            policy=Policy(caching=Caching(Price(1.0, OUTPUT_PRICE, cache_read=cached_price))),
            counter=counter,
            clock=lambda: _SECONDS * next(ticks),
        )

    def prompt(self, said: Sequence[Message]) -> Sequence[Message]:
        """The view."""
        return self._memory.view(_SESSION, said)

    def answered(self, said: Sequence[Message]) -> None:
        """Wait for the summary, which is applied at the next call in any case."""
        self._memory.after(_SESSION, said).result()


class Window(Remembering):
    """The system message and the last messages, or all of them."""

    def __init__(self, messages: int | None = None) -> None:
        self._messages = messages

    def prompt(self, said: Sequence[Message]) -> Sequence[Message]:
        """The last messages."""
        return said if self._messages is None else [said[0], *said[1:][-self._messages :]]

    def answered(self, said: Sequence[Message]) -> None:
        """Nothing is kept."""


def ours(cached_price: float, embedder: Embedder | None) -> System:
    """With the policy told what cached tokens cost."""
    return lambda writer: Ours(writer, cached_price, embedder)


def by_model(cached_price: float) -> System:
    """The same with summaries that the writer writes and is paid for."""

    def begin(writer: Writer) -> Ours:
        summariser = LLMSummariser(WritingModel(writer), counter=OpenAITokens())
        return Ours(writer, cached_price, summariser=summariser)

    return begin


PLAIN: dict[str, Callable[[], System]] = {
    "full history": lambda: lambda _writer: Window(),
    "last 20 messages": lambda: lambda _writer: Window(20),
}
