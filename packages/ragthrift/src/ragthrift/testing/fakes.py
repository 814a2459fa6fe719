"""Fakes for tests: deterministic, quick, and true to their protocols. They use no model."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import shake_128
from typing import TYPE_CHECKING

from ragthrift.errors import InputError, ModelError
from ragthrift.lexical import words
from ragthrift.types import CacheHit, Decision, Message, Passage, Scope, Tier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


class FakeEmbedder:
    """Hashes words into vectors, so that texts that share words are near each other.

    The same on every machine. A text without words is hashed as a whole.

    >>> canteen, soup, lift = FakeEmbedder().embed(["canteen soup", "soup", "lift"])
    >>> bool(canteen @ soup > canteen @ lift)
    True
    """

    def __init__(self, dimensions: int = 64) -> None:
        if dimensions < 1:
            raise InputError(f"dimensions={dimensions} must be at least 1")
        self._dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Give unit vectors, shape (n, dimensions)."""
        import numpy as np

        vectors = np.array([self._vector(text) for text in texts], dtype=np.float32)
        return vectors.reshape(len(texts), self._dimensions)

    def _vector(self, text: str) -> "NDArray[np.float64]":
        import numpy as np

        total = np.sum([self._hash(word) for word in words(text)], axis=0)
        if not np.any(total):  # no words, or words that cancel each other out
            total = self._hash(text)
        return np.asarray(total / np.linalg.norm(total), dtype=np.float64)

    def _hash(self, word: str) -> "NDArray[np.float64]":
        import numpy as np

        digest = shake_128(word.encode("utf-8", "surrogatepass")).digest(self._dimensions)
        return np.frombuffer(digest, dtype=np.uint8).astype(np.float64) - 127.5


class WordOverlapReranker:
    """Scores a passage by the share of the query's words that it holds, from 0 to 1.

    Passages with equal scores keep their order. `top_k` keeps that many; `None` keeps all.

    >>> ranked = WordOverlapReranker().rank("red soup", [Passage("tea"), Passage("soup")])
    >>> [(passage.text, passage.score) for passage in ranked]
    [('soup', 0.5), ('tea', 0.0)]
    """

    def __init__(self, top_k: int | None = None) -> None:
        if top_k is not None and top_k < 1:
            raise InputError(f"top_k={top_k} must be at least 1, or None to keep all")
        self._top_k = top_k

    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        """Put the passages with most of the query's words first."""
        wanted = set(words(query))
        scored = [p.with_score(_share(wanted, set(words(p.text)))) for p in passages]
        return sorted(scored, key=lambda p: p.score or 0.0, reverse=True)[: self._top_k]


def _share(wanted: set[str], found: set[str]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 0.0


class KeepFirstSentence:
    """Cuts every passage after its first sentence.

    >>> KeepFirstSentence().compress("", [Passage("Soup is hot. Tea is not.")])[0].text
    'Soup is hot.'
    """

    def compress(self, query: str, passages: Sequence[Passage]) -> list[Passage]:  # noqa: ARG002
        """Every passage, with the text up to its first full stop, question or exclamation mark."""
        return [p.with_text(_SENTENCE_END.split(p.text, maxsplit=1)[0]) for p in passages]


@dataclass(frozen=True, slots=True)
class _Stored:
    answer: str
    documents: frozenset[str]


class DictCache:
    """Serves an answer to exactly the question it was stored under, within its scope.

    A passage belongs to the document that its metadata names as `document_id`, and to the one of
    its own id.

    >>> cache = DictCache()
    >>> cache.store("Soup?", "At noon.", scope=Scope(), passages=[Passage("…", id="menu")])
    >>> cache.lookup("Soup?", scope=Scope()).answer
    'At noon.'
    >>> cache.invalidate(document_id="menu"), cache.lookup("Soup?", scope=Scope())
    (1, None)
    """

    def __init__(self) -> None:
        self._answers: dict[tuple[Scope, str], _Stored] = {}
        self._lock = threading.Lock()

    def lookup(self, question: str, *, scope: Scope) -> CacheHit | None:
        """Serve the stored answer with similarity and confidence 1, or `None`."""
        stored = self._answers.get((scope, question))
        return CacheHit(question, stored.answer, 1.0, 1.0) if stored else None

    def store(
        self, question: str, answer: str, *, scope: Scope, passages: Sequence[Passage] = ()
    ) -> None:
        """Remember an answer; a newer one takes the place of an older one."""
        own = (passage.id for passage in passages)
        named = (str(p.metadata["document_id"]) for p in passages if "document_id" in p.metadata)
        with self._lock:
            self._answers[scope, question] = _Stored(answer, frozenset([*own, *named]))

    def invalidate(self, *, document_id: str) -> int:
        """Forget what was built from the document, in every scope; how many answers that were."""
        with self._lock:
            stale = [k for k, stored in self._answers.items() if document_id in stored.documents]
            for key in stale:
                del self._answers[key]
        return len(stale)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()


class QuestionLengthRouter:
    """Sends short questions to the first tier and long ones to the last.

    >>> router = QuestionLengthRouter([Tier("cheap", "small"), Tier("strong", "large")])
    >>> router.route([Message("user", "Soup today?")]).reason
    'the question has 2 words, at most 12'
    """

    def __init__(self, tiers: Sequence[Tier], *, max_words: int = 12) -> None:
        if not tiers:
            raise InputError("a router needs at least one tier to choose from")
        self._tiers = tuple(tiers)
        self._max_words = max_words

    def route(
        self,
        messages: Sequence[Message],
        passages: Sequence[Passage] = (),  # noqa: ARG002
    ) -> Decision:
        """Choose by the last message of the user; no message counts as no words."""
        question = next((m.content for m in reversed(messages) if m.role == "user"), "")
        count = len(question.split())
        short = count <= self._max_words
        tier = self._tiers[0 if short else -1]
        relation = "at most" if short else "more than"
        reason = f"the question has {count} words, {relation} {self._max_words}"
        return Decision(tier, reason, (("words", float(count)),))


class LastTurnsMemory:
    """Keeps system messages and the last turns; a turn begins with a message of the user.

    Turns are kept whole, so tool calls keep their results.

    >>> from ragthrift import Message
    >>> talk = [Message("user", "Hello"), Message("assistant", "Hi"), Message("user", "Soup?")]
    >>> [message.content for message in LastTurnsMemory(turns=1).condense(talk)]
    ['Soup?']
    """

    def __init__(self, turns: int = 2) -> None:
        if turns < 1:
            raise InputError(f"turns={turns} must be at least 1, to keep the last message")
        self._turns = turns

    def condense(self, messages: Sequence[Message]) -> list[Message]:
        """System messages, then everything since the user's turn that many turns ago."""
        starts = [place for place, message in enumerate(messages) if message.role == "user"]
        start = starts[-self._turns] if len(starts) > self._turns else 0
        return [m for m in messages[:start] if m.role == "system"] + list(messages[start:])


class FailingStep:
    """A step that always raises, for tests of what happens around it.

    >>> FailingStep(TimeoutError("no answer"))("query", [])
    Traceback (most recent call last):
    TimeoutError: no answer
    """

    def __init__(self, error: BaseException | None = None) -> None:
        self._error = error or ModelError("FailingStep fails on purpose")

    def __call__(
        self,
        query: str,  # noqa: ARG002
        passages: Sequence[Passage],  # noqa: ARG002
    ) -> list[Passage]:
        """Raise the error."""
        raise self._error
