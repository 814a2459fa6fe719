"""The plain RAG application that levers are tried on: passages, a prompt, a model."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ragthrift import InputError, Message, Passage, Pipeline
from ragthrift.protocols import LLM, Compressor, Reranker, Step
from ragthrift_bench.attempts import Application, Attempt, Call
from ragthrift_bench.cases import Case
from ragthrift_bench.observation import Observation, observed, timed
from ragthrift_bench.reader import MAX_TOKENS, PROMPT, STOP

_PLACES = re.compile(r"\{(context|question)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application is made of; a lever exchanges some of it."""

    llm: LLM | None
    """`None`: prompts are made and measured, and no model is asked."""
    steps: tuple[Step | Reranker | Compressor, ...] = ()
    """What the passages go through before they are sent."""
    prompt: str = PROMPT
    """With `{context}` and `{question}`; the turns before the question go in front of it."""
    max_tokens: int | None = MAX_TOKENS
    stop: tuple[str, ...] = tuple(STOP)

    def __post_init__(self) -> None:
        if {"context", "question"} - set(_PLACES.findall(self.prompt)):
            raise InputError("a prompt needs {context} and {question}")


Lever = Callable[[Parts], Parts]
"""Returns the parts of an application that thrives on less."""


def step_lever(step: Step | Reranker | Compressor) -> Lever:
    """The lever that lets passages go through one more step."""
    return lambda parts: replace(parts, steps=(*parts.steps, step))


def rag(parts: Parts) -> Application:
    """Answer each case on its own passages.

    A lever that fails raises: in a benchmark, a call that was passed through would hide it.
    """
    pipeline = Pipeline(map(timed, parts.steps), on_error="raise")

    def ask(case: Case) -> Attempt:
        with observed() as seen:
            passages = pipeline(case.question, case.passages)
            answer = _answer(parts, case, passages, seen)
        return Attempt(
            answer=answer,
            calls=tuple(seen.calls),
            passages=tuple(passages),
            seconds=seen.lever_seconds + sum(call.seconds for call in seen.calls),
            lever_seconds=seen.lever_seconds,
        )

    return ask


def _answer(parts: Parts, case: Case, passages: Sequence[Passage], seen: Observation) -> str | None:
    context = "\n\n".join(passage.text for passage in passages)
    values = {"context": context, "question": case.question}
    prompt = _PLACES.sub(lambda place: values[place[1]], parts.prompt)
    messages = (*case.history, Message("user", prompt))
    if parts.llm is None:
        seen.add(Call(messages, ""), waited=0.0)
        return None
    return parts.llm.complete(messages, max_tokens=parts.max_tokens, stop=parts.stop).text
