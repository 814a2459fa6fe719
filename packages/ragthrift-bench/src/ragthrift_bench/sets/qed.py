"""QED (Lamm et al., 2021): NQ questions with the sentence that a person chose as the reason."""

from collections.abc import Iterator
from pathlib import Path

from ragthrift import Passage
from ragthrift_bench.cases import Case
from ragthrift_bench.records import Record, read_lines
from ragthrift_bench.sets.distractors import Pool
from ragthrift_bench.sets.sampling import draw


def cases(path: Path, *, passages: int = 10, seed: int = 0, limit: int | None = None) -> list[Case]:
    """Each question with its paragraph at a random place among BM25's best of the others.

    The format is that of the development file: a line holds `example_id`, `title_text`,
    `question_text`, `paragraph_text`, `original_nq_answers` and `annotation`. Every span that an
    annotator of NQ marked is a right answer, as in NQ-open, and so is QED's own. A question whose
    answer needs several sentences has no `selected_sentence`, and so no supports.
    """
    records = read_lines(path)
    golds = [_gold(record) for record in records]
    pool = Pool(golds)
    chosen = draw(list(zip(records, golds, strict=True)), limit, seed)
    return [_case(record, gold, pool, passages, seed) for record, gold in chosen]


def _gold(record: Record) -> Passage:
    title = record.text("title_text")
    text = f"{title}\n{record.text('paragraph_text')}"
    return Passage(text, id=f"qed{record.text('example_id')}", metadata={"title": title})


def _case(record: Record, gold: Passage, pool: Pool, passages: int, seed: int) -> Case:
    question = record.text("question_text")
    answers = tuple(dict.fromkeys(_answers(record)))
    return Case(
        question,
        pool.hide(gold, question, answers, passages=passages, seed=seed),
        answers,
        frozenset({gold.id}),
        id=gold.id,
        cluster=record.text("title_text"),
        supports=tuple(_supports(record)),
    )


def _answers(record: Record) -> Iterator[str]:
    name = "original_nq_answers"
    alternatives = record.value(name)
    if not isinstance(alternatives, list) or not all(isinstance(a, list) for a in alternatives):
        raise record.wrong(name, "a list of lists of spans", alternatives)
    spans = [span for alternative in alternatives for span in alternative]
    for span in Record({name: spans}, record.place).records(name):
        yield span.text("string")
    annotation = record.record("annotation")
    for answer in annotation.records("answer") if "answer" in annotation else ():
        yield answer.record("paragraph_reference").text("string")


def _supports(record: Record) -> Iterator[str]:
    annotation = record.record("annotation")
    if "selected_sentence" in annotation:
        yield annotation.record("selected_sentence").text("string").strip()
