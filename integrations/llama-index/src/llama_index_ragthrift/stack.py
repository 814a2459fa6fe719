"""The levers of `ragthrift.stack`, handed out as the parts that a LlamaIndex application takes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts import ChatPromptTemplate

from llama_index_ragthrift.cache.query_engine import CachedQueryEngine
from llama_index_ragthrift.cache.scopes import ScopeFor
from llama_index_ragthrift.ledger.events import audit
from llama_index_ragthrift.memory.memory import RagthriftMemory
from llama_index_ragthrift.output.budgeted import BudgetedLLM
from llama_index_ragthrift.postprocessor import RagthriftPostprocessor
from llama_index_ragthrift.prompt.points import cached_template
from llama_index_ragthrift.prompt.postprocessor import CanonicalOrder
from llama_index_ragthrift.route.llm import RouterLLM
from ragthrift import InputError
from ragthrift.ledger import UNTAGGED, Recorder
from ragthrift.stack import Levers

LLMs = LLM | Mapping[str, LLM]
"""One, or one for each of the router's tiers by its name."""


class LlamaIndexStack:
    """Puts each lever where a query engine, a chat engine or an agent has the place for it.

    `request_type` names these calls in the output budget; the ledger names them by the engine, or
    by `instrument_tags`.

    >>> from llama_index.core.llms import MockLLM
    >>> stack = LlamaIndexStack(Levers())
    >>> llm = MockLLM()
    >>> stack.llm(llm) is llm, stack.postprocessors()
    (True, [])
    """

    def __init__(self, levers: Levers, *, request_type: str = UNTAGGED) -> None:
        self.levers, self.request_type = levers, request_type
        self.recorder = None if levers.ledger is None else Recorder.of(levers.ledger)

    def postprocessors(self) -> list[BaseNodePostprocessor]:
        """For `node_postprocessors`: trimmed, compressed, and in an order that caches serve."""
        levers, found = self.levers, list[BaseNodePostprocessor]()
        steps = [step for step in (levers.rerank, levers.compress) if step is not None]
        if steps:
            found.append(RagthriftPostprocessor(steps))
        if levers.layout is not None:
            found.append(CanonicalOrder(levers.layout.hot))
        return found

    def llm(self, llm: LLMs) -> LLM:
        """A tier chosen for each call, and the answer limited."""
        levers = self.levers
        chosen = self._routed(llm)
        if levers.output is None:
            return chosen
        return BudgetedLLM(chosen, levers.output, request_type=self.request_type)

    def template(self, stable: str, llm: LLM) -> ChatPromptTemplate:
        """For `text_qa_template`: rules first, with a cache point where it pays."""
        layout = self.levers.layout
        rules = layout.rules if layout is not None and layout.rules.name else None
        return cached_template(stable, llm, rules=rules)

    def memory(self, session: str) -> RagthriftMemory | None:
        """For a chat engine or an agent; `None` without a memory."""
        conversation = self.levers.memory
        return None if conversation is None else RagthriftMemory(conversation, session=session)

    def query_engine(
        self, engine: BaseQueryEngine, *, scope: ScopeFor | None = None, streaming: bool = False
    ) -> BaseQueryEngine:
        """The engine behind the cache; `scope` is `CachedQueryEngine`'s."""
        cache = self.levers.cache
        if cache is None:
            return engine
        if scope is None:
            raise InputError("a cache needs a scope: query_engine(..., scope={'tenant': ...})")
        return CachedQueryEngine(engine, cache, scope=scope, streaming=streaming)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record all model calls of this process while the block runs."""
        if self.recorder is None:
            yield
            return
        with audit(self.recorder):
            yield

    def _routed(self, llm: LLMs) -> LLM:
        if self.levers.router is None:
            if isinstance(llm, LLM):
                return llm
            raise InputError("several LLMs need a router: Levers(router=Router(tiers))")
        if isinstance(llm, LLM):
            raise InputError("a router needs an LLM for each tier: {'cheap': …, 'strong': …}")
        return RouterLLM(self.levers.router, llm)
