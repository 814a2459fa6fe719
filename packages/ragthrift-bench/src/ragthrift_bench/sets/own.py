"""Questions of your own: a file of JSON lines."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ragthrift import InputError, Message, Passage
from ragthrift_bench.cases import Case
from ragthrift_bench.corpus import index_folder, retriever
from ragthrift_bench.records import Record, read_lines
from ragthrift_bench.sets.sampling import draw

Passages = tuple[Passage, ...]
Look = Callable[[Record], tuple[Passages, Passages]]
"""What is found for a question, and where its gold passages are looked for."""


def cases(
    path: Path,
    *,
    passages: int = 10,
    seed: int = 0,
    limit: int | None = None,
    corpus: Path | None = None,
) -> list[Case]:
    """One case a line, with its own passages or with what is found in the folder `corpus`.

    | field | holds |
    |---|---|
    | `question` | a text |
    | `answers` | a text or a list of them, any of them right |
    | `passages` | `[{"text", "id"?, "metadata"?}]`, best first, or left out |
    | `gold_ids` | optional: ids of the passages that are needed |
    | `supports` | optional: sentences of the passages that are needed, verbatim |
    | `history` | optional: `[{"role", "content"}]`, the turns before the question |
    | `cluster` | optional: the source document |
    | `id` | optional: a name for the question, by default made from its text |

    Passages of its own are used as they are, and `[]` says that a pipeline retrieves by itself;
    left out, `passages` of them are found in the corpus. Without `gold_ids`, the passages that
    hold the `supports` are gold.
    """
    return from_records(draw(read_lines(path), limit, seed), passages=passages, corpus=corpus)


def from_records(
    records: Sequence[Record], *, passages: int = 10, corpus: Path | None = None
) -> list[Case]:
    """The cases of records that hold the fields of `cases`."""
    look = _own if corpus is None else _in_folder(corpus, passages)
    return [_case(record, *look(record)) for record in records]


def _in_folder(corpus: Path, passages: int) -> Look:
    pieces = tuple(index_folder(corpus))
    find = retriever(pieces, passages)

    def look(record: Record) -> tuple[Passages, Passages]:
        if "passages" in record:
            return _own(record)
        _check_gold(record, pieces)
        return tuple(find(record.text("question"))), pieces

    return look


def _own(record: Record) -> tuple[Passages, Passages]:
    if "passages" not in record:
        raise InputError(
            f'{record.place} has no "passages": add [{{"id", "text"}}, ...], name the folder of '
            "your documents as the corpus, or add an empty list if your own pipeline retrieves"
        )
    found = tuple(
        Passage(
            row.text("text"),
            id=row.text_or_none("id") or "",
            metadata=row.record("metadata").fields if "metadata" in row else {},
        )
        for row in record.records("passages")
    )
    if len({passage.id for passage in found}) < len(found):
        raise InputError(f'{record.place}: two of the "passages" share an id or a text')
    return found, found


def _check_gold(record: Record, corpus: Passages) -> None:
    """An id that stands nowhere in the corpus is a slip; among passages it was not retrieved."""
    named = frozenset(record.texts("gold_ids") if "gold_ids" in record else ())
    unknown = named - {passage.id for passage in corpus}
    if unknown:
        raise InputError(
            f'{record.place}: the corpus has no passage {min(unknown)!r} of "gold_ids"; ids look '
            f'like {corpus[0].id!r}, or give "supports" instead'
        )


def _case(record: Record, passages: Passages, searched: Passages) -> Case:
    supports = record.texts("supports") if "supports" in record else ()
    gold = (
        record.texts("gold_ids")
        if "gold_ids" in record
        else [_holder(record, support, searched) for support in supports if searched]
    )
    return Case(
        record.text("question"),
        passages,
        record.texts("answers"),
        frozenset(gold),
        _history(record),
        id=record.text_or_none("id") or "",
        cluster=record.text_or_none("cluster"),
        supports=supports,
    )


def _holder(record: Record, support: str, searched: Passages) -> str:
    for passage in searched:
        if support in passage.text:
            return passage.id
    raise InputError(
        f'{record.place}: no passage holds {support!r} of "supports"; copy a sentence as it stands'
    )


def _history(record: Record) -> tuple[Message, ...]:
    turns = record.records("history") if "history" in record else []
    return tuple(_message(turn) for turn in turns)


def _message(turn: Record) -> Message:
    match turn.text("role"):
        case "system" | "user" | "assistant" as role:
            return Message(role, turn.text("content"))
        case other:
            raise turn.wrong("role", '"system", "user" or "assistant"', other)
