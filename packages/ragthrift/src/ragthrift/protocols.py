"""The verbs: one-method protocols. A class that has the method is the thing; no base class.

`Step` is what a pipeline runs. A bound `Reranker.rank` or `Compressor.compress` is a step, and so
is a lambda.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ragthrift.types import CacheHit, Completion, Decision, Message, Passage, Scope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Step = Callable[[str, Sequence[Passage]], Sequence[Passage]]
"""`(query, passages) -> passages`: may drop, reorder, score or shorten, never invent."""


@runtime_checkable
class Reranker(Protocol):
    """Orders passages by how well they answer a query, and may drop some."""

    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """The kept passages with their new scores; ids, texts and metadata unchanged."""
        ...


@runtime_checkable
class Compressor(Protocol):
    """Shortens passages."""

    def compress(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """The kept passages in their order: same ids and metadata, shorter text."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors."""

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors, shape (n, d); an empty list gives shape (0, d)."""
        ...


@runtime_checkable
class TokenCounter(Protocol):
    """Counts the tokens a model would read."""

    @property
    def exact(self) -> bool:
        """False when the count is an estimate."""
        ...

    def count(self, text: str) -> int:
        """Tokens of `text` alone, without the special tokens that frame a message."""
        ...


@runtime_checkable
class LLM(Protocol):
    """Answers a conversation."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """One answer with its usage; `stop` strings end the answer and are not part of it."""
        ...


@runtime_checkable
class Memory(Protocol):
    """Keeps a conversation affordable."""

    def condense(self, messages: Sequence[Message]) -> list[Message]:
        """A shorter view; tool calls keep their results and the last message stays whole."""
        ...


@runtime_checkable
class Cache(Protocol):
    """Answers what was already asked."""

    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        """A safe hit, or `None` for not found."""
        ...

    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        """Remember an answer and the passages it was built from."""
        ...

    def invalidate(self, *, document_id: str) -> int:
        """Make every answer built from a document unservable at once; how many there were."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


@runtime_checkable
class Router(Protocol):
    """Chooses the model for a conversation."""

    def route(self, messages: Sequence[Message], passages: Sequence[Passage] = ()) -> Decision:
        """The tier to call and why."""
        ...
