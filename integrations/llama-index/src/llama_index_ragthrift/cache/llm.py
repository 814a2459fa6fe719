"""An LLM that answers what was asked before of the same context."""

import json
from collections.abc import Generator, Mapping
from contextlib import closing
from functools import partial
from typing import Any, TypedDict

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.events.llm import LLMPredictEndEvent, LLMPredictStartEvent
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.schema import QueryBundle
from llama_index.core.types import TokenAsyncGen, TokenGen

from llama_index_ragthrift.cache.passthrough import Passthrough
from llama_index_ragthrift.cache.predicting import Predicting
from llama_index_ragthrift.cache.scopes import ScopeFor, scope_for
from llama_index_ragthrift.cache.streams import tokens
from llama_index_ragthrift.cache.template import Asked, asked_in
from llama_index_ragthrift.ledger.hits import tell_hit
from ragthrift import InputError, Passage, Scope
from ragthrift.bridge import Bridge
from ragthrift.cache import Answer, SemanticCache, fingerprint

dispatcher = get_dispatcher(__name__)


class _Named(TypedDict):
    scope: Scope
    passages: tuple[Passage, ...]


class CachedLLM(Passthrough):
    """Any LLM behind a `SemanticCache`, where LlamaIndex's synthesizers fill in their templates.

    `predict`, `stream`, `apredict` and `astream` are answered from the cache if the template has
    a `query_str` and a `context_str`: the question may be in other words, the context must be the
    same to the letter. All of the prompt around the question, the model's name and its parameters
    are added to `scope`. `chat`, `complete`, tools and structured answers are those of the LLM,
    never cached: there the question cannot be told from the rest.
    """

    _cache: SemanticCache = PrivateAttr()
    _scope: ScopeFor = PrivateAttr()

    def __init__(self, llm: LLM, cache: SemanticCache, *, scope: ScopeFor) -> None:
        if not isinstance(llm, LLM):
            raise InputError(f"{llm!r} is no LLM of LlamaIndex; LocalLLM makes one of any model")
        fields: dict[str, Any] = {"llm": llm, "callback_manager": llm.callback_manager}
        super().__init__(**fields, pydantic_program_mode=llm.pydantic_program_mode)
        self._cache, self._scope = cache, scope

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises the class under."""
        return "CachedLLM"

    def predict(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        """The answer to a prompt."""
        asked = asked_in(prompt, prompt_args, self._llm)
        if asked is None:
            return self._llm.predict(prompt, **prompt_args)
        self._tell(prompt, prompt_args)
        call = Predicting(self._llm, prompt, prompt_args)
        return self._told(self._cache.answer(asked.question, call.answer, **self._named(asked)))

    async def apredict(self, prompt: BasePromptTemplate, **prompt_args: Any) -> str:
        """The answer to a prompt."""
        asked = asked_in(prompt, prompt_args, self._llm)
        if asked is None:
            return await self._llm.apredict(prompt, **prompt_args)
        self._tell(prompt, prompt_args)
        bridge = Bridge()
        call = Predicting(self._llm, prompt, prompt_args, bridge=bridge)
        look = partial(self._cache.answer, asked.question, call.answer, **self._named(asked))
        return self._told(await bridge.call(look))

    def stream(self, prompt: BasePromptTemplate, **prompt_args: Any) -> TokenGen:
        """The answer to a prompt, piece by piece."""
        asked = None if self._parses(prompt) else asked_in(prompt, prompt_args, self._llm)
        if asked is None:
            return self._llm.stream(prompt, **prompt_args)
        self._tell(prompt, prompt_args)
        call = Predicting(self._llm, prompt, prompt_args)
        source = self._cache.stream(asked.question, call.pieces, **self._named(asked))
        return tokens(_heard(source))

    async def astream(self, prompt: BasePromptTemplate, **prompt_args: Any) -> TokenAsyncGen:
        """The answer to a prompt, piece by piece."""
        asked = None if self._parses(prompt) else asked_in(prompt, prompt_args, self._llm)
        if asked is None:
            return await self._llm.astream(prompt, **prompt_args)
        self._tell(prompt, prompt_args)
        bridge = Bridge()
        call = Predicting(self._llm, prompt, prompt_args, bridge=bridge)
        source = self._cache.stream(asked.question, call.pieces, **self._named(asked))
        return bridge.each(_heard(source))

    def _named(self, asked: Asked) -> _Named:
        model = self._llm.metadata.model_name
        parts = {"model": model, "llm": _parameters(self._llm), "prompt": asked.around}
        scope = scope_for(self._scope, QueryBundle(asked.question), **parts)
        return {"scope": scope, "passages": asked.context}

    def _parses(self, prompt: BasePromptTemplate) -> bool:
        """LlamaIndex refuses to parse a stream; the LLM says so itself."""
        return prompt.output_parser is not None or self._llm.output_parser is not None

    def _tell(self, prompt: BasePromptTemplate, variables: Mapping[str, Any]) -> None:
        dispatcher.event(LLMPredictStartEvent(template=prompt, template_args=dict(variables)))
        self._llm._log_template_data(prompt, **variables)

    def _told(self, answer: Answer) -> str:
        _hear(answer)
        parsed = self._llm._parse_output(answer.text)
        dispatcher.event(LLMPredictEndEvent(output=parsed))
        return parsed


def _heard(source: Generator[str, None, Answer]) -> Generator[str, None, None]:
    """The pieces; whose they were is known at the end."""
    with closing(source):
        _hear((yield from source))


def _hear(answer: Answer) -> None:
    if answer.source != "model":
        tell_hit(answer.lookup.question, answer.text)


def _parameters(llm: LLM) -> str:
    known = json.dumps(llm.to_dict(), default=lambda value: type(value).__name__)
    return fingerprint(json.loads(known))
