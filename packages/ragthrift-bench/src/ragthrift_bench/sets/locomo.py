"""LoCoMo (Maharana et al., 2024): questions on conversations of many sessions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragthrift import InputError, Message, Passage
from ragthrift.lexical import Bm25
from ragthrift_bench.cases import Case
from ragthrift_bench.records import Record, read_json
from ragthrift_bench.sets.sampling import draw

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
"""The paper's kinds of question by their number in the files."""
UNANSWERABLE = 5
NOT_MENTIONED = "Not mentioned in the conversation"
"""The right answer to an adversarial question, in the words of LoCoMo's own evaluation."""

_SESSION = re.compile(r"session_(\d+)")
_TURN_ID = re.compile(r"D:?(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class _Turn:
    id: str
    text: str
    said: str
    """With the speaker and, for a shared photo, its caption."""
    when: str
    by_user: bool
    opens: bool
    """Whether it is the first of its session."""


@dataclass(frozen=True, slots=True)
class _Conversation:
    name: str
    turns: tuple[_Turn, ...]
    passages: tuple[Passage, ...]
    history: tuple[Message, ...]
    index: Bm25


def cases(
    path: Path,
    *,
    passages: int = 10,
    seed: int = 0,
    limit: int | None = None,
    categories: Sequence[int] = (1, 2, 3, 4),
    history: bool = True,
) -> list[Case]:
    """Each question with the turns that answer it among BM25's best, and the whole conversation.

    `path` is a file or, for several conversations, a pattern such as `locomo_*.json.gz`. A turn is
    one passage, with the date of its session. The turns named as evidence always stay; a question
    none of whose evidence is in the conversation is left out. A case's id names its conversation
    and its category; its cluster is the conversation. The first speaker is the user.

    Category 5 has no answer in the conversation: the right one is `NOT_MENTIONED`. With
    `history=False` the conversation is not sent along with the passages.
    """
    if passages < 1:
        raise InputError(f"passages={passages} must be at least 1")
    asked = [
        (conversation, record, number)
        for conversation, questions in _read(path)
        for number, record in enumerate(questions)
        if _category(record) in categories and _evidence(record, conversation)
    ]
    return [
        _case(conversation, record, number, passages, history)
        for conversation, record, number in draw(asked, limit, seed)
    ]


def _read(path: Path) -> Iterator[tuple[_Conversation, list[Record]]]:
    files = sorted(path.parent.glob(path.name)) if path.name else []
    if not files:
        raise InputError(f"no file {path}")
    for file in files:
        samples = read_json(file)
        for sample in samples if isinstance(samples, list) else [samples]:
            record = Record(sample if isinstance(sample, dict) else {}, str(file))
            name = record.text_or_none("sample_id") or file.name.partition(".")[0]
            talk = record.record("conversation") if "conversation" in record else record
            yield _conversation(name, talk), record.records("qa")


def _conversation(name: str, record: Record) -> _Conversation:
    turns = tuple(_turns(record))
    passages = tuple(
        Passage(f"{turn.when}\n{turn.said}", id=f"{name}/{turn.id}", metadata={"when": turn.when})
        for turn in turns
    )
    history = tuple(
        Message(
            "user" if turn.by_user else "assistant",
            f"[{turn.when}]\n{turn.said}" if turn.opens else turn.said,
        )
        for turn in turns
    )
    return _Conversation(name, turns, passages, history, Bm25([p.text for p in passages]))


def _turns(record: Record) -> Iterator[_Turn]:
    user = record.text("speaker_a")
    for session in _sessions(record):
        when = record.text(f"{session}_date_time")
        for at, turn in enumerate(record.records(session)):
            speaker, text = turn.text("speaker"), str(turn.value("text")).strip()
            photo = turn.text_or_none("blip_caption")
            said = f"{speaker}: {text}" + (f" [shares {photo}]" if photo else "")
            yield _Turn(turn.text("dia_id"), text, said, when, speaker == user, at == 0)


def _sessions(record: Record) -> list[str]:
    names = [name for name in record.fields if _SESSION.fullmatch(name) and record.fields[name]]
    if not names:
        raise InputError(f"{record.place} holds no session_1: it is no conversation of LoCoMo")
    return sorted(names, key=lambda name: int(name.rpartition("_")[2]))


def _category(record: Record) -> int:
    category = record.whole("category")
    if category not in CATEGORIES:
        raise record.wrong("category", f"one of {sorted(CATEGORIES)}", category)
    return category


def _evidence(record: Record, conversation: _Conversation) -> list[_Turn]:
    """The turns named, whose ids some files write as `D:11:26` or `D8:6; D9:17`."""
    written = " ".join(map(str, record.fields.get("evidence") or ()))
    ids = {f"D{session}:{turn}" for session, turn in _TURN_ID.findall(written)}
    return [turn for turn in conversation.turns if turn.id in ids]


def _case(
    conversation: _Conversation, record: Record, number: int, passages: int, history: bool
) -> Case:
    question, category = record.text("question"), _category(record)
    evidence = _evidence(record, conversation)
    gold = frozenset(f"{conversation.name}/{turn.id}" for turn in evidence)
    return Case(
        question,
        _found(conversation, question, gold, passages),
        _answers(record, category),
        gold,
        conversation.history if history else (),
        id=f"{conversation.name}/{CATEGORIES[category]}/{number}",
        cluster=conversation.name,
        supports=tuple(turn.text for turn in evidence if turn.text),
    )


def _answers(record: Record, category: int) -> tuple[str, ...]:
    """An open-domain answer goes on after a semicolon with its reason, which LoCoMo cuts too."""
    if category == UNANSWERABLE:
        return (NOT_MENTIONED,)
    answers = record.texts("answer")
    return tuple(a.partition(";")[0].strip() for a in answers) if category == 3 else answers


def _found(
    conversation: _Conversation, question: str, gold: frozenset[str], passages: int
) -> tuple[Passage, ...]:
    order = (-conversation.index.scores(question)).argsort(kind="stable")
    ranked = [conversation.passages[at] for at in order]
    others = [passage.id for passage in ranked if passage.id not in gold]
    kept = gold.union(others[: max(0, passages - len(gold))])
    return tuple(passage for passage in ranked if passage.id in kept)
