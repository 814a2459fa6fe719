"""NQ-open with its gold passage hidden among distractors, in the format of Liu et al., 2023."""

from dataclasses import dataclass
from pathlib import Path

from ragthrift import InputError, Passage
from ragthrift_bench.cases import Case
from ragthrift_bench.records import Record, read_lines
from ragthrift_bench.sets.distractors import Pool
from ragthrift_bench.sets.sampling import draw


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    answers: tuple[str, ...]
    gold: Passage
    title: str


def cases(path: Path, *, passages: int = 10, seed: int = 0, limit: int | None = None) -> list[Case]:
    """Each question with its gold passage at a random place among BM25's best of the others.

    A line holds `question`, `answers` and `ctxs`, of which the one with `isgold` is the gold
    passage. A distractor is another question's gold passage that holds none of the answers.
    """
    questions = [_question(record, at) for at, record in enumerate(read_lines(path))]
    pool = Pool(question.gold for question in questions)
    return [
        Case(
            question.text,
            pool.hide(question.gold, question.text, question.answers, passages=passages, seed=seed),
            question.answers,
            frozenset({question.gold.id}),
            id=question.gold.id,
            cluster=question.title,
        )
        for question in draw(questions, limit, seed)
    ]


def _question(record: Record, at: int) -> _Question:
    gold = [ctx for ctx in record.records("ctxs") if ctx.fields.get("isgold", True)]
    if len(gold) != 1:
        raise InputError(f'{record.place}: "ctxs" must hold one gold passage, not {len(gold)}')
    title = gold[0].text("title")
    passage = Passage(f"{title}\n{gold[0].text('text')}", id=f"nq{at}", metadata={"title": title})
    return _Question(record.text("question"), record.texts("answers"), passage, title)
