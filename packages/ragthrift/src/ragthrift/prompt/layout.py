"""One order for the parts of a prompt: what stays the same first, what changes last."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Literal

from ragthrift.errors import InputError
from ragthrift.ledger import Call, Segment
from ragthrift.prompt.parts import Piece, Prompt, PromptParts, canonical_tools, tools_text
from ragthrift.prompt.planning import CachePlan, Stretch, plan_breakpoints
from ragthrift.prompt.traffic import Traffic
from ragthrift.protocols import TokenCounter
from ragthrift.provider_cache import (
    NO_CACHING,
    STABLE,
    CacheRules,
    canonical_order,
    document_name,
    hot_documents,
    rules_for,
)
from ragthrift.tokens import token_counter_for
from ragthrift.types import Passage

Place = Literal["with_question", "before_history"]


def plain_document(passage: Passage) -> str:
    """A document's text alone: a number would change with its place."""
    return passage.text


class PromptLayout:
    """Puts the parts of a prompt in an order that caches serve, and plans its breakpoints.

    Tools by name and with sorted keys, system, examples; the history; then documents: those in
    `hot` first and in its order, the others with the most relevant last; what is new in each call;
    the question. Documents `before_history` stand in the system message: right where a whole
    conversation is about the same ones.

    `shared` tells how often prompts of this sort are sent, `session` how the turns of one
    conversation follow one another, `hot_traffic` how often the hot documents at the beginning are
    the same. `PromptLayout.learn` reads all of it from a ledger.

    >>> from ragthrift import Passage
    >>> layout = PromptLayout(hot=("rules",))
    >>> parts = PromptParts(question="Is there soup?", system="Be brief.", documents=(
    ...     Passage("Soup at noon.", id="soup"), Passage("No dogs.", id="rules")))
    >>> [piece.text.strip() for piece in layout.arrange(parts).pieces]
    ['Be brief.', 'No dogs.', 'Soup at noon.', 'Is there soup?']
    """

    def __init__(
        self,
        rules: CacheRules = NO_CACHING,
        *,
        hot: Sequence[str] = (),
        shared: Traffic | None = None,
        session: Traffic | None = None,
        hot_traffic: Traffic | None = None,
        documents: Place = "with_question",
        format_document: Callable[[Passage], str] = plain_document,
        counter: TokenCounter | None = None,
    ) -> None:
        if documents not in ("with_question", "before_history"):
            raise InputError(f"documents={documents!r} must be 'with_question' or 'before_history'")
        self.rules = rules
        self.hot = tuple(hot)
        self._shared = Traffic.every(1) if shared is None else shared
        self._session = Traffic.every(1, calls=8) if session is None else session
        self._hot = Traffic.once() if hot_traffic is None else hot_traffic
        self.documents = documents
        self._format = format_document
        self._counter = counter or token_counter_for(rules.name)

    @classmethod
    def learn(
        cls,
        calls: Iterable[Call],
        *,
        rules: CacheRules | None = None,
        min_share: float = 0.2,
        format_document: Callable[[Passage], str] = plain_document,
        counter: TokenCounter | None = None,
    ) -> "PromptLayout":
        """From calls of one request type: which documents are hot, and how often calls come."""
        seen = [call for call in calls if not call.answered_by_cache]
        if not seen:
            raise InputError("no calls to learn from; record some in a ledger first")
        named = [[document_name(s) for s in c.segments if s.kind == "document"] for c in seen]
        hot = hot_documents(named, min_share=min_share)
        beginnings: dict[tuple[str, ...], list[float]] = defaultdict(list)
        sessions: dict[str, list[float]] = defaultdict(list)
        for call, names in zip(seen, named, strict=True):
            beginnings[tuple(name for name in hot if name in names)].append(call.at)
            sessions[call.session or call.id].append(call.at)
        return cls(
            rules or rules_for(seen[0].model, seen[0].provider or None),
            hot=hot,
            shared=Traffic.of([[call.at for call in seen]]),
            session=Traffic.of(sessions.values()),
            hot_traffic=Traffic.of(beginnings.values()),
            format_document=format_document,
            counter=counter,
        )

    def arrange(self, parts: PromptParts) -> Prompt:
        """The prompt. Equal parts give equal prompts."""
        tools = canonical_tools(parts.tools)
        pieces = tuple(self._pieces(parts))
        segments = [piece.segment(self._counter) for piece in pieces]
        if tools:
            text = tools_text(tools)
            segments.insert(0, Segment.of("tools", text, tokens=self._counter.count(text)))
        return Prompt(tools, pieces, tuple(segments), self._plan(segments))

    def _pieces(self, parts: PromptParts) -> Iterable[Piece]:
        early = self.documents == "before_history"
        documents = self._documents(parts.documents, "system" if early else "user")
        if parts.system:
            yield Piece("system", "system", f"{parts.system}\n\n")
        if early:
            yield from documents
        yield from (Piece("example", m.role, m.content, turn=m) for m in parts.examples)
        yield from (Piece("history", m.role, m.content, turn=m) for m in parts.history)
        if not early:
            yield from documents
        if parts.context:
            yield Piece("other", "user", f"{parts.context}\n\n")
        yield Piece("question", "user", parts.question)

    def _documents(
        self, passages: Sequence[Passage], role: Literal["system", "user"]
    ) -> Sequence[Piece]:
        """Relevance falls from first to last in what is given, and rises in what is sent."""
        ordered = canonical_order(passages[::-1], self.hot, lambda passage: passage.id)
        return [Piece("document", role, f"{self._format(p)}\n\n", p.id) for p in ordered]

    def _plan(self, segments: Sequence[Segment]) -> CachePlan:
        ends = [0, *accumulate(segment.tokens for segment in segments)]
        kinds = [segment.kind for segment in segments]
        stretches = []

        def reach(name: str, fits: Callable[[Segment], bool], start: int, traffic: Traffic) -> int:
            after = start
            while after < len(segments) and fits(segments[after]):
                after += 1
            if after > start:
                stretches.append(Stretch(name, after, ends[after], traffic))
            return after

        def hot(segment: Segment) -> bool:
            return segment.kind == "document" and document_name(segment) in self.hot

        after = reach("the stable part", lambda s: s.kind in STABLE, 0, self._shared)
        if "history" in kinds:
            early = reach("documents", lambda s: s.kind == "document", after, self._session)
            reach("the history", lambda s: s.kind in ("example", "history"), early, self._session)
        else:
            reach("hot documents", hot, after, self._hot)
        return plan_breakpoints(stretches, self.rules)
