"""The runs around a model call: their trace, their names, and what was retrieved."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from langchain_core.documents import Document

MOST_OPEN = 20_000
"""Runs that are kept open; what is older was left without an end."""
KEPT = 64
"""Retrievals of one trace that are kept: a graph may run for days."""
RECENT = 8
"""Retrievals outside of any chain in which a prompt's documents are looked for."""

Documents = Sequence[Document]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one retriever, or a step that gives documents, found."""

    run_id: UUID
    parent_run_id: UUID | None
    query: str
    documents: Documents


@dataclass(slots=True)
class Trace:
    """All runs below one root."""

    id: str
    shelves: deque[Shelf] = field(default_factory=lambda: deque(maxlen=KEPT))
    trims: deque[tuple[Documents, Documents]] = field(default_factory=lambda: deque(maxlen=KEPT))


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is under way."""

    trace: Trace
    parent_run_id: UUID | None = None
    names: tuple[str, ...] = ()
    """Of the runs around it and its own, outermost first."""
    query: str = ""
    given: Documents = ()
    """Documents in its input."""


class OpenRuns:
    """Runs by their ids, from their start to their end.

    >>> from uuid import uuid4
    >>> runs, root, child = OpenRuns(), uuid4(), uuid4()
    >>> runs.begin(root, None, "faq")
    >>> runs.begin(child, root, "retriever", query="When is soup?")
    >>> runs.find(child, [Document("Soup is at noon.")])
    >>> run = runs.around(root)
    >>> run.names, run.trace.shelves[0].query
    (('faq',), 'When is soup?')
    """

    def __init__(self) -> None:
        self._open: dict[UUID, Run] = {}
        self.recent: deque[Shelf] = deque(maxlen=RECENT)

    def around(self, run_id: UUID | None) -> Run:
        """The run that something happens in."""
        known = self._open.get(run_id) if run_id else None
        return known or Run(Trace(run_id.hex if run_id else ""))

    def begin(
        self,
        run_id: UUID,
        parent_run_id: UUID | None,
        name: str,
        *,
        query: str = "",
        given: Documents = (),
    ) -> None:
        """A run starts."""
        above = self._open.get(parent_run_id) if parent_run_id else None
        trace = above.trace if above else Trace((parent_run_id or run_id).hex)
        names = above.names if above else ()
        self._open[run_id] = Run(trace, parent_run_id, (*names, name), query, given)
        if len(self._open) > MOST_OPEN:
            self._open.pop(next(iter(self._open)), None)

    def end(self, run_id: UUID) -> Run | None:
        """A run ends."""
        return self._open.pop(run_id, None)

    def find(self, run_id: UUID, documents: Documents) -> None:
        """A run ends with documents: they are its trace's, and fewer than it was given, perhaps."""
        run = self.end(run_id)
        if run is None:
            return
        shelf = Shelf(run_id, run.parent_run_id, run.query, tuple(documents))
        inside = [one.documents for one in run.trace.shelves if one.parent_run_id == run_id]
        before = run.given or _together(inside)
        if before:
            run.trace.trims.append((before, shelf.documents))
        run.trace.shelves.append(shelf)
        if run.parent_run_id is None:
            self.recent.append(shelf)


def _together(shelves: Iterable[Documents]) -> Documents:
    """Each text once: retrievers that ask several ways find the same several times."""
    return tuple({one.page_content: one for found in shelves for one in found}.values())
