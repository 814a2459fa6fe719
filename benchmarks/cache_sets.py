"""Questions and pairs of questions that caches are measured on, and their vectors."""

import csv
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared import read_text
from ragthrift.cache.serving import is_bare, is_standalone
from ragthrift.embed import minilm

Vectors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A stored and an asked question, and whether one answer fits both."""

    stored: str
    asked: str
    same: bool
    kind: str = ""
    shared_scope: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a stream and what answers it."""

    text: str
    answer: str
    in_scope: bool = True
    """Whether any other question has its answer."""


def half_of(text: str) -> str:
    """`dev` or `report`, by a hash of the text: what is tuned on is not reported."""
    return ("dev", "report")[blake2b(text.encode(), digest_size=4).digest()[0] % 2]


def shuffled(questions: Sequence[Question], seed: int) -> list[Question]:
    """The questions in a random order of their own."""
    return random.Random(seed).sample(list(questions), len(questions))


def read_pairs(path: Path) -> list[Pair]:
    """Pairs of a JSON-lines file."""
    rows = [json.loads(line) for line in read_text(path).splitlines() if line.strip()]
    return [Pair(r["a"], r["b"], r["same_answer"], r.get("category", "")) for r in rows]


def read_stream(path: Path) -> list[Question]:
    """Questions of a CSV with `text` and `category`, or of CLINC150's JSON.

    CLINC's questions outside of every intent share their answer with none.
    """
    if path.suffix == ".json":
        parts = json.loads(read_text(path))
        rows = [row for name in sorted(parts) for row in parts[name]]
        return [
            Question(text, f"oos {at}" if intent == "oos" else intent, intent != "oos")
            for at, (text, intent) in enumerate(rows)
        ]
    read = csv.DictReader(read_text(path).splitlines(keepends=True))
    return [Question(row["text"], row["category"]) for row in read]


def read_conversations(path: Path) -> list[Pair]:
    """The last turns of both conversations, and whether the second may see the first's entry."""
    rows = [json.loads(line) for line in read_text(path).splitlines() if line.strip()]
    return [Pair(*_last(r), r["same_answer"], r["subtype"], _shared(r)) for r in rows]


def _last(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["a"][-1]["content"], row["b"][-1]["content"]


def _shared(row: Mapping[str, Any]) -> bool:
    """Whether two conversations meet: both turns standalone, or the same was said before them."""
    turns = [[t["content"] for t in row[side] if t["role"] == "user"] for side in "ab"]
    if any(is_bare(said[-1]) for said in turns):
        return False
    alone = [is_standalone(said[-1]) for said in turns]
    return all(alone) or (not any(alone) and turns[0][:-1] == turns[1][:-1])


def vectors_of(texts: Sequence[str], folder: str = "") -> Vectors:
    """Unit vectors by text; a folder keeps them from one run to the next."""
    unique = list(dict.fromkeys(texts))
    name = blake2b("\0".join(sorted(unique)).encode(), digest_size=8).hexdigest()
    kept = Path(folder, f"{name}.npz") if folder else None
    if kept and kept.is_file():
        with np.load(kept) as stored:
            return dict(zip(sorted(unique), stored["vectors"], strict=True))
    made = minilm().embed(sorted(unique))
    if kept:
        np.savez(kept, vectors=made)
    return dict(zip(sorted(unique), made, strict=True))


class Known:
    """An embedder that has embedded already: what remains of a lookup is the cache's own time."""

    name = "minilm"

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def forget(self) -> None:
        """Embed from now on."""
        self._vectors = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of texts, known or not."""
        return np.stack([self._of(text) for text in texts])

    def _of(self, text: str) -> NDArray[np.float32]:
        found = self._vectors.get(text)
        return minilm().embed([text])[0] if found is None else found
