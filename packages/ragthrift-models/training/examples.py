"""Batches for the keep head: a question's passage beside hard and easy wrong ones."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ragthrift.states import TextStates
from training.prompts import BARE_SHARE, Corpus
from training.questions import Question
from training.states import States

QUESTIONS_A_STEP = 16
MAX_TOKENS = 160
"""Longer passages are cut around the evidence, to save time."""
HARD = 20
BM25_WEIGHT = 0.2
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded states and, for every token, its sentence (-1: none) and that sentence's label."""

    question: Tensor
    question_mask: Tensor
    passage: Tensor
    passage_mask: Tensor
    sentence: Tensor
    label: Tensor


@dataclass(frozen=True, slots=True)
class _Row:
    question: TextStates
    states: NDArray[np.float16]
    sentence: Integers
    keep: tuple[bool, ...]


class Examples:
    """All questions of one part with their hard negatives."""

    def __init__(self, corpus: Corpus, states: States, questions: Sequence[Question]) -> None:
        self._states = states
        self._pool = corpus.pool
        self.questions = questions
        self._bare = {q.passage: " ".join(q.sentences) for q in corpus.of("train")}
        vectors = np.stack([states[text].vector for text in corpus.pool])
        self._hard = []
        for question in questions:
            cosines = vectors @ states[question.text].vector
            scores = cosines + BM25_WEIGHT * corpus.shares(question.text)
            self._hard.append(corpus.wrong(question, scores, HARD))

    def batches(self, seed: int) -> Iterator[Batch]:
        """Every question once, in random order; three passages for each."""
        generator = random.Random(seed)
        order = list(range(len(self.questions)))
        generator.shuffle(order)
        for start in range(0, len(order) - QUESTIONS_A_STEP + 1, QUESTIONS_A_STEP):
            chosen = order[start : start + QUESTIONS_A_STEP]
            yield _collate([row for at in chosen for row in self._rows(at, generator)])

    def _rows(self, at: int, generator: random.Random) -> Iterator[_Row]:
        question = self.questions[at]
        bare = question.passage in self._bare and generator.random() < BARE_SHARE
        asked = self._states[question.text]
        yield _gold(question, asked, self._states, bare, generator)
        for place in (generator.choice(self._hard[at]), generator.randrange(len(self._pool))):
            text = self._pool[place]
            tokens = self._states[self._bare.get(text, text) if bare else text]
            sentence = np.where(tokens.offsets[:, 1] > 0, 0, -1)
            window = _window(sentence, len(sentence) // 2, generator)
            yield _Row(asked, tokens.states[window], sentence[window], (False,))


def sentence_of_tokens(tokens: TextStates, spans: Sequence[tuple[int, int]]) -> Integers:
    """The number of the span that each token lies in, -1 for none, shape (t,)."""
    starts, ends = tokens.offsets[:, 0], tokens.offsets[:, 1]
    found = np.full(len(starts), -1, dtype=np.int64)
    for number, (start, end) in enumerate(spans):
        found[(starts >= start) & (ends <= end) & (ends > starts)] = number
    return found


def gold_spans(question: Question, bare: bool) -> list[tuple[int, int]]:
    """Where the sentences stand in the passage, with or without its title."""
    spans, start = [], 0 if bare else len(question.title) + 1
    for sentence in question.sentences:
        spans.append((start, start + len(sentence)))
        start += len(sentence) + 1
    return spans


def _gold(
    question: Question, asked: TextStates, states: States, bare: bool, generator: random.Random
) -> _Row:
    tokens = states[" ".join(question.sentences) if bare else question.passage]
    sentence = sentence_of_tokens(tokens, gold_spans(question, bare))
    kept = np.nonzero(np.isin(sentence, np.flatnonzero(np.array(question.keep))))[0]
    window = _window(sentence, int(kept[0]) if len(kept) else 0, generator)
    return _Row(asked, tokens.states[window], sentence[window], question.keep)


def _window(sentence: Integers, around: int, generator: random.Random) -> Integers:
    """The first token, which stands for the passage, and neighbours of one place."""
    if len(sentence) <= MAX_TOKENS:
        return np.arange(len(sentence))
    earliest = max(1, around - MAX_TOKENS // 2)
    latest = max(earliest, min(around, len(sentence) - MAX_TOKENS + 1))
    start = min(generator.randint(earliest, latest), len(sentence) - MAX_TOKENS + 1)
    return np.concatenate([[0], np.arange(start, start + MAX_TOKENS - 1)])


def _collate(rows: Sequence[_Row]) -> Batch:
    question, question_mask = padded([row.question.states for row in rows])
    passage, passage_mask = padded([row.states for row in rows])
    sentence = torch.full(passage.shape[:2], -1)
    label = torch.zeros(passage.shape[:2])
    for at, row in enumerate(rows):
        sentence[at, : len(row.sentence)] = torch.from_numpy(row.sentence)
        kept = np.append(np.array(row.keep, dtype=np.float32), 0)  # -1 finds the 0 at the end
        label[at, : len(row.sentence)] = torch.from_numpy(kept[row.sentence])
    return Batch(question, question_mask, passage, passage_mask, sentence, label)


def padded(states: Sequence[NDArray[np.float16]]) -> tuple[Tensor, Tensor]:
    """Shape (b, t, 384) in fp32 and a mask of 0.0 and 1.0."""
    shape = (len(states), max(map(len, states)), states[0].shape[1])
    values, mask = np.zeros(shape, np.float32), np.zeros(shape[:2], np.float32)
    for at, one in enumerate(states):
        values[at, : len(one)] = one
        mask[at, : len(one)] = 1
    return torch.from_numpy(values), torch.from_numpy(mask)
