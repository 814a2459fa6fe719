"""Small parts with a known outcome: what these tests run instead of models."""

import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from ragthrift import Completion, Message, Passage, Usage

USAGE = Usage(input_tokens=40, output_tokens=7, cache_read_tokens=30, cache_write_tokens=5)


@dataclass
class SharedWords:
    """Reranks by the words a text shares with the query; remembers what it read."""

    top_k: int = 100
    read: list[str] = field(default_factory=list)

    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        self.read += [passage.text for passage in passages]
        asked = _words(query)
        scored = [p.with_score(len(asked & _words(p.text))) for p in passages]
        return sorted(scored, key=lambda p: -(p.score or 0))[: self.top_k]


@dataclass
class FirstSentence:
    """Keeps each passage up to its first full stop; remembers what it read."""

    read: list[str] = field(default_factory=list)

    def compress(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        self.read += [passage.text for passage in passages]
        return [p.with_text(p.text.split(".")[0] + ".") for p in passages]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w.]*\w", text.lower()))


def broken(query: str, passages: Sequence[Passage]) -> list[Passage]:
    raise RuntimeError("the model is gone")


@dataclass
class Scripted:
    """Answers with a fixed text; remembers what it was asked."""

    answer: str = "In the north wing."
    seconds: float = 0
    asked: list[tuple[list[Message], int | None, tuple[str, ...]]] = field(default_factory=list)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        self.asked.append((list(messages), max_tokens, tuple(stop)))
        time.sleep(self.seconds)
        return Completion(self.answer, USAGE, "scripted-1", "stop")


@dataclass
class ScriptedStream(Scripted):
    """Also streams, word by word; remembers how far it was read and that it was closed."""

    sent: list[str] = field(default_factory=list)
    closed: bool = False

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Generator[str, None, Completion]:
        self.asked.append((list(messages), max_tokens, tuple(stop)))
        try:
            for word in self.answer.split(" "):
                time.sleep(self.seconds)
                piece = word if not self.sent else f" {word}"
                self.sent.append(piece)
                yield piece
        finally:
            self.closed = True
        return Completion(self.answer, USAGE, "scripted-1", "stop")
