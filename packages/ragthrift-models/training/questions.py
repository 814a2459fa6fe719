"""QED's training questions as clean sentences with labels, split by article."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

Part = Literal["dev", "fit", "train"]

_TIGHT = (
    (re.compile(r"\s+([,.;:!?%)\]}])"), r"\1"),
    (re.compile(r"([(\[{$])\s+"), r"\1"),
    (re.compile(r"\s+('s|'re|'ve|'ll|'d|n't|'m)\b"), r"\1"),
    (re.compile(r"``\s*|\s*''"), '"'),
    (re.compile(r"(\w) - (\w)"), r"\1-\2"),
    (re.compile(r"(\d),\s(\d{3})\b"), r"\1,\2"),
    (re.compile(r"\s+"), " "),
)
"""QED's text has a space around every mark; texts in use have not."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a person, the paragraph that answers it, and which sentences do."""

    text: str
    title: str
    sentences: tuple[str, ...]
    keep: tuple[bool, ...]
    """Whether each sentence holds a part of an answer."""
    answers: tuple[str, ...]

    @property
    def passage(self) -> str:
        """Title, line break, sentences: the form of every passage here."""
        return f"{self.title}\n{' '.join(self.sentences)}"

    @property
    def part(self) -> Part:
        """By a hash of the article: 10 % dev, 20 % to fit the fusion, the rest for the head."""
        bucket = int(sha256(self.title.encode()).hexdigest(), 16) % 10
        return "dev" if bucket == 0 else "fit" if bucket <= 2 else "train"


def read_questions(path: Path) -> list[Question]:
    """Questions of `qed_train_v0` that have sentences and an answer in one of them."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [found for line in lines for found in _questions(json.loads(line))]


def _questions(row: dict[str, Any]) -> Iterator[Question]:
    starts, spans, text = row["sentence_starts"], row["answer_spans"], row["paragraph_text"]
    if not starts or not spans:
        return
    starts = [0, *starts[1:]]
    bounds = list(zip(starts, [*starts[1:], len(text)], strict=True))
    pieces = [(_tidy(text[a:b]), any(a < y and x < b for x, y in spans)) for a, b in bounds]
    pieces = [piece for piece in pieces if piece[0]]
    if any(kept for _, kept in pieces):
        sentences, keep = zip(*pieces, strict=True)
        answers = tuple(_tidy(answer) for answer in row["answer_text"])
        yield Question(row["question_text"].strip(), row["title_text"], sentences, keep, answers)


def _tidy(text: str) -> str:
    for pattern, into in _TIGHT:
        text = pattern.sub(into, text)
    return text.strip()
