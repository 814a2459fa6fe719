"""A handbook that changes, what finds its passages, and a reader that says what they say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ragthrift import Passage
from ragthrift_bench import handbook
from ragthrift_bench.corpus import bm25_retriever

QUESTIONS = Path(__file__).parent / "drift" / "questions.jsonl"
RETRIEVED = 3
CHAPTER = 12
"""Passages of the handbook that make one long document."""
NOTHING = "I don't know."


@dataclass(frozen=True, slots=True)
class Where:
    """Words in a passage: what holds the answer."""

    passage: str
    words: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A question of the handbook, what is edited in its answer, and what is asked around it."""

    id: str
    question: str
    document: str
    old: str
    new: str
    again: str
    """The question in other words."""
    near: str
    """Another question in nearly the same words, and where its answer is."""
    near_document: str
    near_answer: str
    unknown: str
    """A question in nearly the same words that the handbook does not answer."""

    @property
    def amendment(self) -> str:
        """The id of the passage that amends it."""
        return f"amendment {self.id}"

    @property
    def answer(self) -> tuple[Where, ...]:
        """Where to look for it, the latest first."""
        places = ((self.amendment, self.new), (self.document, self.new), (self.document, self.old))
        return tuple(Where(*place) for place in places)

    @property
    def near_places(self) -> tuple[Where, ...]:
        """Where the answer to the other question is."""
        return (Where(self.near_document, self.near_answer),)


@cache
def facts() -> tuple[Fact, ...]:
    """All of the suite."""
    asked = [case.question for case in handbook.questions()]
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return tuple(Fact(question=asked[int(row["id"][1:]) - 1], **row) for row in rows)


class World:
    """The handbook as it is now; `chapters` joins its passages to long documents."""

    def __init__(self, *, chapters: bool = False) -> None:
        self._texts = {passage.id: passage.text for passage in handbook.passages()}
        self._chapters = chapters
        names = enumerate(self._texts)
        self._home = {name: f"chapter {at // CHAPTER}" if chapters else name for at, name in names}
        self._index()

    def retrieve(self, question: str) -> list[Passage]:
        """The best documents by BM25; a long one comes alone."""
        return self._find(question)

    def edit(self, passage: str, old: str, new: str) -> str:
        """Change a fact; the id of the document that changed."""
        self._texts[passage] = self._texts[passage].replace(old, new)
        self._index()
        return self._home[passage]

    def amend(self, fact: Fact) -> Passage:
        """Say a fact anew in a document of its own; the old one stays."""
        said = self.sentence(Where(fact.document, fact.old)).replace(fact.old, fact.new)
        text = f"Amendment to {self._texts[fact.document].splitlines()[0]}\n{said}"
        self._texts[fact.amendment], self._home[fact.amendment] = text, fact.amendment
        self._index()
        return Passage(text, id=fact.amendment)

    def sentence(self, where: Where) -> str:
        """The sentence with these words; empty where there is none."""
        said = self._texts.get(where.passage, "").replace("\n", ".\n").replace(". ", ".\n")
        return next((part for part in said.split("\n") if where.words in part), "")

    def true(self, places: Sequence[Where]) -> str:
        """What the whole handbook says now."""
        return next(filter(None, map(self.sentence, places)), NOTHING)

    def read(self, places: Sequence[Where], documents: Sequence[Passage]) -> str:
        """What the documents say that were retrieved."""
        seen = {document.id for document in documents}
        return self.true([where for where in places if self._home.get(where.passage) in seen])

    def _index(self) -> None:
        documents: dict[str, list[str]] = {}
        for name, text in self._texts.items():
            documents.setdefault(self._home[name], []).append(text)
        rows = [Passage("\n\n".join(texts), id=name) for name, texts in documents.items()]
        self._find = bm25_retriever(rows, 1 if self._chapters else RETRIEVED)
