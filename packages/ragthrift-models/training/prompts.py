"""Prompts to prune: a question, its evidence, and passages that only look right."""

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragthrift.compress.evidence.sheet import Sheet
from ragthrift.lexical import Bm25
from ragthrift.states import minilm_states
from ragthrift_bench.answers import contains
from ragthrift_bench.cases import Case
from training.multihop import Article, TwoHop
from training.questions import Part, Question, read_questions

PASSAGES = 5
TWO_HOP_PASSAGES = 10
CHUNK_WORDS = 400
BARE_SHARE = 0.3
"""How many passages come without their title, so that the head does not lean on it."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question with its passages; the evidence is an answer, or whole sentences."""

    question: str
    sheets: tuple[Sheet, ...]
    answers: tuple[str, ...]
    supports: tuple[str, ...] = ()

    def labels(self, passage: int) -> list[bool]:
        """Whether each atom of a passage holds evidence."""
        sheet = self.sheets[passage]
        words = [sheet.words(at) for at in range(len(sheet.units))]
        if self.supports:
            return [any(s in text or text in s for s in self.supports) for text in words]
        return [bool(contains(text, self.answers)) for text in words]


class Corpus:
    """QED's questions and the pool that their distractors come from."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.questions = read_questions(folder / "qed_train_v0.jsonl.gz")
        with gzip.open(folder / "2wiki_corpus_hipporag.json.gz", "rt", encoding="utf-8") as file:
            self.articles = [Article(**row) for row in json.load(file)]
        golds = [question.passage for question in self.questions]
        self.pool = list(dict.fromkeys([*golds, *(one.passage for one in self.articles)]))
        self.place = {text: at for at, text in enumerate(self.pool)}
        self.seed = seed
        self._index = Bm25(self.pool)

    def of(self, part: Part) -> list[Question]:
        """The questions of one part of the split."""
        return [question for question in self.questions if question.part == part]

    def shares(self, question: str) -> NDArray[np.float64]:
        """BM25 of the question against the pool, shape (n,), as a share of the best possible."""
        return self._index.shares(question)

    def wrong(self, question: Question, scores: NDArray[np.float64], count: int) -> list[int]:
        """The best-scored of the pool that hold no answer."""
        found = (
            int(at)
            for at in np.argsort(-scores, kind="stable")
            if self.pool[at] != question.passage and not contains(self.pool[at], question.answers)
        )
        return [at for at, _ in zip(found, range(count), strict=False)]

    def prompts(self, part: Part, form: str, limit: int | None = None) -> Iterator[Prompt]:
        """`short`, `bare` (no titles) or `long` (neighbours joined), in the file's order."""
        for question in self.of(part)[:limit]:
            yield self.prompt(question, form)

    def prompt(self, question: Question, form: str) -> Prompt:
        """The gold passage at a random place among BM25's best."""
        generator = random.Random(f"{self.seed}:{question.text}")
        places = self.wrong(question, self.shares(question.text), PASSAGES - 1)
        places.insert(generator.randrange(PASSAGES), self.place[question.passage])
        texts = [self.pool[at] for at in places]
        if form == "bare":
            texts = [text.split("\n", 1)[-1] for text in texts]
        if form == "long":
            texts = [joined(self.pool, at, question.answers, generator) for at in places]
        return Prompt(question.text, sheets(texts), question.answers)

    def two_hop(self, question: TwoHop) -> Prompt:
        """Both gold passages among BM25's best of the articles."""
        generator = random.Random(f"{self.seed}:{question.text}")
        golds = [self.articles[at].passage for at in question.golds]
        order = np.argsort(-self.shares(question.text), kind="stable")[:60]
        wrong = [self.pool[at] for at in order if self.pool[at] not in golds]
        texts = [*golds, *wrong[: TWO_HOP_PASSAGES - 2]]
        generator.shuffle(texts)
        return Prompt(question.text, sheets(texts), (), question.supports)


def joined(pool: Sequence[str], at: int, answers: Sequence[str], generator: random.Random) -> str:
    """A passage between its neighbours in the file, none of which holds an answer."""
    parts = [pool[at]]
    words = len(pool[at].split())
    for step in range(1, 60):
        text = pool[(at + step) % len(pool)]
        if words >= CHUNK_WORDS:
            break
        if text != pool[at] and not contains(text, answers):
            parts.insert(len(parts) if generator.random() < 0.5 else 0, text)
            words += len(text.split())
    return "\n\n".join(parts)


def of_case(case: Case) -> Prompt:
    """A benchmark case as it is."""
    texts = [passage.text for passage in case.passages]
    return Prompt(case.question, sheets(texts), case.answers, case.supports)


def in_long_chunks(case: Case, pool: Sequence[str]) -> Prompt:
    """A benchmark case with every passage between its neighbours of the pool."""
    generator = random.Random(case.question)
    places = [pool.index(passage.text) for passage in case.passages]
    texts = [joined(pool, at, case.answers, generator) for at in places]
    return Prompt(case.question, sheets(texts), case.answers)


def sheets(texts: Sequence[str]) -> tuple[Sheet, ...]:
    """Texts cut in units; tokens are the encoder's."""
    return tuple(Sheet(text, count_tokens) for text in texts)


@cache
def count_tokens(text: str) -> int:
    """Tokens of one unit."""
    return minilm_states().token_count(text)
