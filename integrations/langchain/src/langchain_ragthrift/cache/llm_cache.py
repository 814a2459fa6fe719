"""A semantic cache where LangChain's models look for one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation
from typing_extensions import override

from langchain_ragthrift.cache.messages import (
    ended,
    finish_reason,
    to_kept,
    to_served,
    tool_calls,
    total_tokens,
)
from langchain_ragthrift.cache.pending import Pending
from langchain_ragthrift.cache.prompts import Cut, Prompt, read_prompt
from langchain_ragthrift.cache.scopes import Parts, as_scope, named_by
from langchain_ragthrift.cache.writing import read, write
from ragthrift import InputError, Scope
from ragthrift.cache import Answer, Fresh, SemanticCache, fingerprint


class LLMCache(BaseCache):
    """A `SemanticCache` for `set_llm_cache(...)` or a model's `cache=...`.

    A model hands over its whole prompt as text. Of a conversation that ends with one short
    question only that question is compared by meaning; all else (system prompt, earlier turns,
    the model with its settings and tools) must be equal, and so must every prompt of another form.
    `question` finds the question in a longer text, such as a template with documents in it.

    `scope` names what the prompt does not tell, such as the tenant: a dict, or a function that is
    called at each look. Models do not ask their cache when they stream, the prompt's documents are
    unknown here, and questions that come at once make a call each, since a cache is told of an
    answer only afterwards: where you can, put `CachedRunnable` around the chain instead.
    """

    def __init__(
        self,
        cache: SemanticCache,
        *,
        scope: Parts | Callable[[], Parts],
        question: Cut | None = None,
    ) -> None:
        self._cache, self._scope, self._question = cache, scope, question
        self._pending = Pending()

    @override
    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        asked = read_prompt(prompt, self._question)
        scope = self._scoped(asked, llm_string)
        found = self._cache.find(asked.question, scope=scope)
        entry = found.entry
        if found.hit is None or entry is None:
            self._pending.put((prompt, scope), found)
            return None
        answer = Answer(found.hit.answer, "exact" if found.tier == "exact" else "semantic", found)
        return _served(entry.extra, answer)

    @override
    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        asked = read_prompt(prompt, self._question)
        scope = self._scoped(asked, llm_string)
        found = self._pending.pop((prompt, scope))
        if found is None:
            found = self._cache.explain(asked.question, scope=scope)
        self._cache.keep(found, _fresh(return_val))

    @override
    def clear(self, **kwargs: Any) -> None:
        self._pending.clear()
        self._cache.clear()

    def _scoped(self, asked: Prompt, llm_string: str) -> Scope:
        model = fingerprint(llm_string)
        named = named_by(self._scope)
        return as_scope(named, model=model, prompt=asked.around, earlier=asked.earlier)


def _fresh(generations: Sequence[Generation]) -> Fresh:
    """Generations as one answer, of which the first is what is compared."""
    said = [_one(generation) for generation in generations]
    if not said:
        return Fresh("")
    first = next((fresh for fresh, _ in said if fresh.finish_reason != "stop"), said[0][0])
    tokens = sum(fresh.tokens or 0 for fresh, _ in said) or None
    try:
        return replace(first, extra=write([kept for _, kept in said]), tokens=tokens)
    except InputError:
        return replace(first, finish_reason="error")


def _one(generation: Generation) -> tuple[Fresh, Generation | None]:
    end = finish_reason(generation.generation_info or {})
    if not isinstance(generation, ChatGeneration):
        return Fresh(generation.text, finish_reason=end), _plain(generation)
    message = generation.message
    if not isinstance(message, AIMessage) or tool_calls(message):
        return Fresh(generation.text, finish_reason="error"), None
    end = ended(message) if end == "stop" else end
    try:
        kept = ChatGeneration(message=to_kept(message))
    except InputError:
        return Fresh(generation.text, finish_reason="error"), None
    return Fresh(str(message.text), finish_reason=end, tokens=total_tokens(message) or None), kept


def _plain(generation: Generation) -> Generation:
    return Generation(text=generation.text, generation_info=generation.generation_info)


def _served(extra: bytes, answer: Answer) -> list[Generation] | None:
    generations: list[Generation] | None = read(extra)
    for generation in generations or ():
        if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
            generation.message = to_served(generation.message, answer)
    return generations
