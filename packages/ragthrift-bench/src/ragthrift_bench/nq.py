"""NQ-open with its gold passage hidden among distractors, in the format of Liu et al., 2023."""

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ragthrift import InputError, Passage
from ragthrift.lexical import Bm25
from ragthrift_bench.answers import contains
from ragthrift_bench.cases import Case


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the file."""

    text: str
    answers: tuple[str, ...]
    gold: Passage


def read_questions(path: Path) -> list[Question]:
    """Questions with one gold passage each; `.gz` is read as it is.

    A line holds `question`, `answers` and `ctxs`, of which the one with `isgold` is taken.
    """
    if not path.is_file():
        raise InputError(f"no file {path}; give one of NQ-open with oracle passages, JSON lines")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [_question(json.loads(line), at) for at, line in enumerate(lines)]


def _question(row: dict[str, Any], at: int) -> Question:
    try:
        gold = next(ctx for ctx in row["ctxs"] if ctx.get("isgold", True))
        passage = Passage(
            f"{gold['title']}\n{gold['text']}", id=f"nq{at}", metadata={"title": gold["title"]}
        )
        return Question(str(row["question"]), tuple(row["answers"]), passage)
    except (KeyError, StopIteration, TypeError) as error:
        raise InputError(
            f"line {at + 1} lacks {error}: each needs question, answers and ctxs with a gold one"
        ) from error


def cases(
    questions: Sequence[Question], *, passages: int, seed: int = 0, limit: int | None = None
) -> Iterator[Case]:
    """Each question with its gold passage at a random place among BM25's best of the others.

    A distractor is another question's gold passage that holds none of the answers.
    """
    generator = random.Random(seed)
    pool = [question.gold for question in questions]
    index = Bm25([passage.text for passage in pool])
    for question in _sample(questions, limit, generator):
        best = np.argsort(-index.scores(question.text), kind="stable")
        wrong = (pool[at] for at in best if _distracts(pool[at], question))
        found = [passage for passage, _ in zip(wrong, range(passages - 1), strict=False)]
        found.insert(generator.randrange(len(found) + 1), question.gold)
        yield Case(question.text, tuple(found), question.answers, frozenset({question.gold.id}))


def _sample(
    questions: Sequence[Question], limit: int | None, generator: random.Random
) -> Sequence[Question]:
    if limit is None or limit >= len(questions):
        return questions
    return generator.sample(list(questions), limit)


def _distracts(passage: Passage, question: Question) -> bool:
    return passage.text != question.gold.text and not contains(passage.text, question.answers)
