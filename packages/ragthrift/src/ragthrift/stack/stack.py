"""A whole RAG application in the one order, from a retriever and a model."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from ragthrift.cache import SemanticCache, last_question
from ragthrift.cache.scope import EARLIER, fingerprint
from ragthrift.errors import InputError
from ragthrift.ledger import UNTAGGED, Recorder
from ragthrift.ledger.observed import Trim
from ragthrift.memory.view import RECALLED
from ragthrift.pipeline import OnError, Pipeline
from ragthrift.prompt import PromptLayout, PromptParts
from ragthrift.prompt.output import BudgetedLLM
from ragthrift.protocols import LLM
from ragthrift.route import Attempt, Call, Routed
from ragthrift.stack.levers import Levers
from ragthrift.stack.recording import RecordedLLM, Told, tell_hit
from ragthrift.types import Completion, Message, Passage, Scope, Tier

Retrieve = Callable[[str], Sequence[Passage]]


@dataclass(frozen=True, slots=True)
class Stacked:
    """An answer, and how it came about."""

    text: str
    source: str
    """"model", or what the cache says: "exact", "semantic", "flight"."""
    passages: tuple[Passage, ...] = ()
    """What was retrieved and kept, best first and whole; empty for a cached answer."""
    completion: Completion | None = None
    """What the model said; `None` when the cache answered."""
    routed: Routed | None = None
    """The router's choice and bill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question on its way."""

    question: str
    session: str = ""
    context: str = ""
    request_type: str = UNTAGGED
    trace: str = field(default_factory=lambda: uuid4().hex)
    started: float = field(default_factory=time.time)


class Stack:
    """Answers questions with the levers it is given, each in its place (`ragthrift.stack.ORDER`).

    `llm` is one model, or one for each of the router's tiers by its name. `system` is the same in
    each call. What fails in a lever is passed over by the lever's own `on_error`; errors of the
    retriever and the model are raised.

    >>> from ragthrift.rerank import HybridReranker, Keep
    >>> from ragthrift.testing import ScriptedLLM
    >>> levers = Levers(rerank=HybridReranker(keep=Keep(top_k=1)))
    >>> stack = Stack(ScriptedLLM("On the 25th."), levers)
    >>> shelf = [Passage("Payday is the 25th.", "pay"), Passage("Soup is at noon.", "soup")]
    >>> answer = stack.answer("When is payday?", retrieve=lambda question: shelf)
    >>> answer.text, [passage.id for passage in answer.passages]
    ('On the 25th.', ['pay'])
    """

    def __init__(
        self,
        llm: LLM | Mapping[str, LLM],
        levers: Levers,
        *,
        system: str = "",
        on_error: OnError = "pass",
    ) -> None:
        self.levers = levers
        self._llms = _by_tier(llm, levers)
        self._system = system
        self._layout = levers.layout or PromptLayout()
        self._recorder = None if levers.ledger is None else Recorder.of(levers.ledger)
        steps = [levers.rerank] if levers.rerank else []
        self._ranking = Pipeline(steps, on_error=on_error)
        self._compressing = Pipeline(
            [levers.compress] if levers.compress else [], on_error=on_error
        )

    def answer(
        self,
        question: str,
        *,
        retrieve: Retrieve,
        scope: Scope | None = None,
        session: str = "",
        context: str = "",
        request_type: str = UNTAGGED,
    ) -> Stacked:
        """Answer one question.

        `scope` is what must be equal for a cached answer: a cache needs it. `session` names the
        conversation that a memory keeps; `context` is new in each call: the date, the user.
        """
        turn = Turn(question=question, session=session, context=context, request_type=request_type)
        cache = self.levers.cache
        if cache is not None:
            return self._cached(cache, turn, retrieve, scope)
        ranked = self._ranking(question, retrieved := list(retrieve(question)))
        said = self._said(turn, retrieved, ranked)
        self._remember(turn, said.text, asked=True)
        return said

    def flush(self) -> None:
        """Wait until all calls are in the ledger."""
        if self._recorder:
            self._recorder.flush()

    def _cached(
        self, cache: SemanticCache, turn: Turn, retrieve: Retrieve, scope: Scope | None
    ) -> Stacked:
        if scope is None:
            raise InputError("a cache needs a scope: answer(..., scope=Scope.of(tenant=...))")
        made: list[Stacked] = []
        retrieved: list[Passage] = []

        def ranked(question: str) -> list[Passage]:
            retrieved[:] = retrieve(question)
            return self._ranking(question, retrieved)

        def compute(_: str, passages: Sequence[Passage]) -> Completion | str:
            made.append(self._said(turn, retrieved, passages))
            return made[-1].completion or made[-1].text

        within = self._within(scope, turn)
        answer = cache.answer(turn.question, compute, scope=within, retrieve=ranked)
        self._remember(turn, answer.text, asked=bool(made))
        if answer.source == "model" and made:
            return made[-1]
        if self._recorder:
            tell_hit(self._recorder, self._told(turn), answer.text, turn.started)
        return Stacked(answer.text, answer.source, answer.passages)

    def _said(self, turn: Turn, retrieved: Sequence[Passage], ranked: Sequence[Passage]) -> Stacked:
        """What the model answers on these passages."""
        kept = self._compressing(turn.question, ranked)
        messages = self._arranged(turn, kept)
        calls: list[str] = []

        def purpose() -> str:
            calls.append("answer" if not calls else "escalation")
            return calls[-1]

        told = self._told(turn, tuple(kept), ((retrieved, ranked), (ranked, kept)))
        routed: Routed | None = None
        if self.levers.router is None:
            (llm,) = self._llms.values()
            completion = self._asked(llm, told, purpose).complete(messages)
        else:
            routed = self.levers.router.run(
                Call(messages, kept, conversation=turn.session or None),
                lambda tier, call: self._attempt(tier, call, told, purpose),
            )
            completion = _completion(routed)
        return Stacked(completion.text, "model", tuple(ranked), completion, routed)

    def _attempt(self, tier: Tier, call: Call, told: Told, purpose: Callable[[], str]) -> Attempt:
        said = self._asked(self._llms[tier.name], told, purpose).complete(call.messages)
        return Attempt(said.text, said.usage, said.finish_reason, said.tool_calls, raw=said)

    def _asked(self, llm: LLM, told: Told, purpose: Callable[[], str]) -> LLM:
        """A model with its budget, whose calls are recorded as they are sent."""
        if self._recorder:
            llm = RecordedLLM(llm, self._recorder, told, purpose)
        if self.levers.output:
            session = told.session or None
            llm = BudgetedLLM(
                llm, self.levers.output, request_type=told.request_type, session=session
            )
        return llm

    def _arranged(self, turn: Turn, passages: Sequence[Passage]) -> tuple[Message, ...]:
        history, recalled = self._history(turn, passages)
        context = "\n\n".join(text for text in (recalled, turn.context) if text)
        parts = PromptParts(
            question=turn.question,
            system=self._system,
            documents=tuple(passages),
            history=history,
            context=context,
        )
        return self._layout.arrange(parts).messages

    def _history(self, turn: Turn, passages: Sequence[Passage]) -> tuple[tuple[Message, ...], str]:
        """The view of a conversation before the question, and what was recalled for it."""
        memory = self.levers.memory
        if memory is None or not turn.session:
            return (), ""
        memory.remember(turn.session, [Message("user", turn.question)])
        *view, _ = memory.view(turn.session, passages=passages)
        if view and view[-1].content.startswith(RECALLED):
            return tuple(view[:-1]), view[-1].content
        return tuple(view), ""

    def _remember(self, turn: Turn, answer: str, *, asked: bool) -> None:
        memory = self.levers.memory
        if memory is None or not turn.session:
            return
        new = [Message("assistant", answer)]
        memory.remember(turn.session, new if asked else [Message("user", turn.question), *new])
        memory.after(turn.session)

    def _within(self, scope: Scope, turn: Turn) -> Scope:
        """All that may change an answer: the caller's scope, and what the stack itself sends."""
        parts = dict(scope.parts)
        if self._system:
            parts.setdefault("system_prompt", fingerprint(self._system))
        if turn.context:
            parts["context"] = fingerprint(turn.context)
        memory = self.levers.memory
        if memory is not None and turn.session:
            said = [one.message for one in memory.transcript.load(turn.session).turns]
            earlier = last_question([*said, Message("user", turn.question)]).earlier
            parts |= {EARLIER: earlier} if earlier else {}
        return Scope.of(**parts)

    def _told(
        self, turn: Turn, documents: tuple[Passage, ...] = (), trims: tuple[Trim, ...] = ()
    ) -> Told:
        return Told(
            question=turn.question,
            request_type=turn.request_type,
            session=turn.session,
            trace=turn.trace,
            documents=documents,
            trims=trims,
        )


def _by_tier(llm: LLM | Mapping[str, LLM], levers: Levers) -> dict[str, LLM]:
    """A model for each tier; one model is for all calls there are."""
    if isinstance(llm, Mapping):
        tiers = [tier.name for tier in levers.router.tiers] if levers.router else []
        if set(tiers) != set(llm):
            raise InputError(
                f"the models {sorted(llm)} are not those of the tiers {tiers}; give one for each "
                "of the router's tiers by its name, or a single one without a router"
            )
        return dict(llm)
    if levers.router is not None:
        raise InputError("a router needs a model for each tier: Stack({'cheap': …, 'strong': …})")
    return {"": llm}


def _completion(routed: Routed) -> Completion:
    """The answer, with the tokens of all attempts."""
    if routed.answer is None or not isinstance(routed.answer.raw, Completion):
        raise InputError("the router gave no answer")  # pragma: no cover - it raises before
    said = routed.answer.raw
    return Completion(
        said.text, routed.usage, said.model, said.finish_reason, said.tool_calls, said.logprobs
    )
