"""A model whose calls are told to a ledger."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragthrift.ledger import BilledTokens, Observed, Recorder
from ragthrift.ledger.observed import Trim
from ragthrift.ledger.prompt_parts import Prompt
from ragthrift.protocols import LLM
from ragthrift.types import Completion, Message, Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a ledger is told of all calls for one question."""

    question: str
    request_type: str
    session: str
    trace: str
    documents: tuple[Passage, ...] = ()
    trims: tuple[Trim, ...] = ()
    """Documents before and after each step."""


class RecordedLLM:
    """Asks `llm`, and tells a recorder of the call, whether it answers or fails."""

    def __init__(
        self, llm: LLM, recorder: Recorder, told: Told, purpose: Callable[[], str]
    ) -> None:
        self._llm, self._recorder, self._told, self._purpose = llm, recorder, told, purpose

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """The model's answer."""
        started = time.time()
        purpose = self._purpose()
        try:
            answer = self._llm.complete(messages, max_tokens=max_tokens, stop=stop)
        except BaseException as error:
            self._tell(messages, started, purpose, max_tokens, error=type(error).__name__)
            raise
        self._tell(messages, started, purpose, max_tokens, answer=answer)
        return answer

    def _tell(
        self,
        messages: Sequence[Message],
        started: float,
        purpose: str,
        max_tokens: int | None,
        *,
        answer: Completion | None = None,
        error: str = "",
    ) -> None:
        told, seconds = self._told, time.time() - started
        observed = Observed(
            prompt=Prompt(
                messages=tuple(messages), documents=told.documents, question=told.question
            ),
            answer=answer.text if answer else "",
            billed=BilledTokens(answer.usage) if answer else None,
            unbilled=answer is None,
            model=answer.model if answer else "",
            request_type=told.request_type,
            purpose=purpose,
            at=started,
            session=told.session,
            trace=told.trace,
            seconds=seconds,
            max_tokens=max_tokens,
            finish_reason=answer.finish_reason if answer else "",
            error=error,
            trims=told.trims if purpose == "answer" else (),
        )
        self._recorder.put(lambda: [observed])


def tell_hit(recorder: Recorder, told: Told, answer: str, started: float) -> None:
    """Record a question that a cache answered: no model was called."""
    observed = Observed(
        prompt=Prompt(messages=(Message("user", told.question),), question=told.question),
        answer=answer,
        answered_by_cache=True,
        request_type=told.request_type,
        at=started,
        session=told.session,
        trace=told.trace,
        seconds=time.time() - started,
    )
    recorder.put(lambda: [observed])
