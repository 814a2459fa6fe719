"""NQ-open in long chunks: the gold passage somewhere inside, other passages around it."""

import random
from itertools import islice
from pathlib import Path

from ragthrift import InputError, Passage
from ragthrift_bench.answers import contains
from ragthrift_bench.cases import Case
from ragthrift_bench.sets import nq
from ragthrift_bench.sets.distractors import Pool
from ragthrift_bench.sets.sampling import draw

PASSAGE_WORDS = 100
"""Of a passage in the file."""


def long_chunks(
    path: Path,
    *,
    passages: int = 5,
    chunk_words: int = 400,
    seed: int = 0,
    limit: int | None = None,
) -> list[Case]:
    """Questions on `passages` chunks, each joined from passages of the file to `chunk_words`.

    The chunk with the gold passage has it at a place drawn by chance; it keeps the gold passage's
    id. What stands around it, and in the other chunks, is what BM25 finds for the question among
    passages without an answer.
    """
    if chunk_words < PASSAGE_WORDS:
        raise InputError(f"chunk_words={chunk_words} must be at least {PASSAGE_WORDS}")
    several = chunk_words // PASSAGE_WORDS
    whole = nq.cases(path, passages=1, seed=seed)
    pool = Pool(case.passages[0] for case in whole)
    return [_joined(case, pool, passages, several, seed) for case in draw(whole, limit, seed)]


def _joined(case: Case, pool: Pool, passages: int, several: int, seed: int) -> Case:
    gold = case.passages[0]
    chance = random.Random(f"{seed}:{case.question}")
    clean = (
        passage
        for passage in pool.best(case.question)
        if passage.text != gold.text and not contains(passage.text, case.answers)
    )
    others = list(islice(clean, passages * several - 1))
    around = [others.pop(chance.randrange(len(others))) for _ in range(several - 1)]
    around.insert(chance.randrange(several), gold)
    chunks = [
        Passage("\n".join(p.text for p in others[at : at + several]), id=f"{gold.id}#{at}")
        for at in range(0, len(others), several)
    ]
    joined = gold.with_text("\n".join(passage.text for passage in around))
    chunks.insert(chance.randrange(len(chunks) + 1), joined)
    return Case(
        case.question, tuple(chunks), case.answers, case.gold_ids, id=case.id, cluster=case.cluster
    )
