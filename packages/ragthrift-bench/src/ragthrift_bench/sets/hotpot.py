"""HotpotQA with its distractors (Yang et al., 2018): two paragraphs of ten are needed."""

from pathlib import Path

from ragthrift import InputError, Passage
from ragthrift_bench.cases import Case
from ragthrift_bench.records import Record, read_list
from ragthrift_bench.sets.sampling import draw

Paragraphs = dict[str, tuple[str, ...]]
"""Sentences by title, in the file's order."""


def cases(path: Path, *, passages: int = 10, seed: int = 0, limit: int | None = None) -> list[Case]:
    """Each question with its gold paragraphs and, in the file's order, some of its distractors.

    An item holds `_id`, `question`, `answer`, `context` (title and sentences of each paragraph)
    and `supporting_facts` (title and number of each sentence). The paragraphs' ids are their
    titles. With `passages` below ten the last distractors go; the gold paragraphs always stay.
    """
    if passages < 1:
        raise InputError(f"passages={passages} must be at least 1")
    return [_case(record, passages) for record in draw(read_list(path), limit, seed)]


def _case(record: Record, passages: int) -> Case:
    paragraphs = _paragraphs(record)
    facts = _facts(record, paragraphs)
    gold = {title for title, _ in facts}
    others = [title for title in paragraphs if title not in gold]
    kept = gold | set(others[: max(0, passages - len(gold))])
    return Case(
        record.text("question"),
        tuple(
            Passage(f"{title}\n{''.join(sentences)}", id=title, metadata={"title": title})
            for title, sentences in paragraphs.items()
            if title in kept
        ),
        record.texts("answer"),
        frozenset(gold),
        id=record.text("_id"),
        supports=tuple(paragraphs[title][at].strip() for title, at in facts),
    )


def _paragraphs(record: Record) -> Paragraphs:
    context = record.value("context")
    try:
        return {title: tuple(map(str, sentences)) for title, sentences in context}
    except (TypeError, ValueError) as error:
        wanted = "a list of [title, [sentence, ...]]"
        raise record.wrong("context", wanted, context) from error


def _facts(record: Record, paragraphs: Paragraphs) -> list[tuple[str, int]]:
    facts = record.value("supporting_facts")
    try:
        found = [(title, at) for title, at in facts if paragraphs[title][at].strip()]
    except (TypeError, ValueError, LookupError) as error:
        wanted = "a list of [title, number of a sentence], all of them in the context"
        raise record.wrong("supporting_facts", wanted, facts) from error
    if not found:
        raise record.wrong("supporting_facts", "a list of at least one sentence", facts)
    return found
