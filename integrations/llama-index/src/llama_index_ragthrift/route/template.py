"""The question and the context of a prompt template, while they are still apart."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from llama_index.core.prompts import BasePromptTemplate

from llama_index_ragthrift.cache.template import CONTEXTS, QUESTION


@dataclass(frozen=True, slots=True)
class Filled:
    """What a template is filled in with."""

    question: str
    context: str


_FILLED: ContextVar[Filled | None] = ContextVar("ragthrift_filled", default=None)


def filled_in(prompt: BasePromptTemplate, variables: Mapping[str, Any]) -> Filled | None:
    """`None` for a template that asks no `query_str`."""
    known = {**prompt.kwargs, **variables}
    question = known.get(QUESTION)
    contexts = (str(known[name]) for name in CONTEXTS if known.get(name))
    return Filled(question, "\n".join(contexts)) if isinstance(question, str) else None


@contextmanager
def filling(prompt: BasePromptTemplate, variables: Mapping[str, Any]) -> Iterator[None]:
    """For the call that LlamaIndex makes of a template meanwhile."""
    before = _FILLED.set(filled_in(prompt, variables))
    try:
        yield
    finally:
        _FILLED.reset(before)


def being_filled() -> Filled | None:
    """The template that the call under way was made of."""
    return _FILLED.get()
