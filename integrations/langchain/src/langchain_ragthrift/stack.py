"""The levers of `ragthrift.stack`, handed out as the parts that a LangChain application takes."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import ConfigDict
from typing_extensions import override

from langchain_ragthrift.cache.question import Question
from langchain_ragthrift.cache.runnable import CachedRunnable
from langchain_ragthrift.cache.scopes import Parts
from langchain_ragthrift.compressor import RagthriftCompressor
from langchain_ragthrift.ledger.callback import LedgerCallback
from langchain_ragthrift.memory.condensed import condensed
from langchain_ragthrift.output.budgeted import BudgetedModel
from langchain_ragthrift.prompt.rules import rules_of
from langchain_ragthrift.prompt.runnable import prompt_caching
from langchain_ragthrift.route.chat_model import RouterChatModel
from ragthrift import InputError
from ragthrift.ledger import UNTAGGED, Recorder
from ragthrift.stack import Levers

Models = BaseChatModel | Mapping[str, BaseChatModel]
"""One, or one for each of the router's tiers by its name."""


class LangChainStack:
    """Puts each lever where a chain or an agent has the place for it.

    A chain gets `retriever`, `model` and `chain`; an agent gets its tools over `retriever`, and
    `middleware`. Each of them gives back what it was given where no lever has a place in it.
    `request_type` names these calls in the ledger and in the output budget.

    >>> from langchain_core.language_models import FakeListChatModel
    >>> stack = LangChainStack(Levers())
    >>> model = FakeListChatModel(responses=["At noon."])
    >>> stack.model(model) is model
    True
    """

    def __init__(self, levers: Levers, *, request_type: str = UNTAGGED) -> None:
        self.levers, self.request_type = levers, request_type
        self.recorder = None if levers.ledger is None else Recorder.of(levers.ledger)
        self._steps = [step for step in (levers.rerank, levers.compress) if step is not None]

    def retriever(self, retriever: BaseRetriever) -> BaseRetriever:
        """It finds the same, and gives what is left after trimming and compression."""
        if not self._steps:
            return retriever
        return TrimmedRetriever(retriever=retriever, compressor=RagthriftCompressor(self._steps))

    def model(self, model: Models) -> Runnable[LanguageModelInput, AIMessage]:
        """The history shortened, the prompt marked, a tier chosen, the answer limited.

        It ends a chain: `prompt | stack.model(...)`. Without memory, layout and output budget it is
        a chat model still. In a conversation the config names the thread.
        """
        levers = self.levers
        chat = self._routed(model)
        answering: Runnable[LanguageModelInput, AIMessage] = chat
        if levers.output is not None:
            answering = BudgetedModel(chat, levers.output, request_type=self.request_type)
        if levers.layout is not None:
            rules = levers.layout.rules if levers.layout.rules.name else rules_of(chat)
            answering = prompt_caching(cast(BaseChatModel, answering), rules=rules)
        if levers.memory is not None:
            answering = condensed(levers.memory) | answering
        return answering

    def chain(
        self,
        chain: Runnable[Any, Any],
        *,
        scope: Parts | Callable[[Any, RunnableConfig], Parts] | None = None,
        question: Question | None = None,
        **given: Any,
    ) -> Runnable[Any, Any]:
        """The chain behind the cache, with its calls in the ledger.

        `scope`, `question` and what else is given are `CachedRunnable`'s.
        """
        if self.levers.cache is not None:
            if scope is None:
                raise InputError("a cache needs a scope: chain(..., scope={'tenant': ...})")
            chain = CachedRunnable(
                self.levers.cache, chain, scope=scope, question=question, **given
            )
        if self.recorder is None:
            return chain
        config: RunnableConfig = {
            "callbacks": [LedgerCallback(self.recorder)],
            "metadata": {"request_type": self.request_type},
        }
        return chain.with_config(config)

    def middleware(
        self,
        models: Mapping[str, BaseChatModel] | None = None,
        *,
        scope: Parts | Callable[[Any], Parts] | None = None,
    ) -> list[Any]:
        """For `create_agent(middleware=...)`: the first is the outermost.

        `models` are the router's. Tool results with documents are trimmed; give tools over
        `retriever(...)` instead where they are yours, not both. Model calls get into the ledger by
        `with audit(stack.recorder)` or a `LedgerCallback`.
        """
        from langchain_ragthrift.cache.middleware import SemanticCacheMiddleware
        from langchain_ragthrift.memory.middleware import MemoryMiddleware
        from langchain_ragthrift.middleware import TrimToolMessages
        from langchain_ragthrift.output.middleware import OutputBudgetMiddleware
        from langchain_ragthrift.prompt.middleware import PromptCachingMiddleware
        from langchain_ragthrift.route.middleware import RoutingMiddleware

        levers, parts = self.levers, list[Any]()
        if levers.cache is not None:
            if scope is None:
                raise InputError("a cache needs a scope: middleware(scope={'tenant': ...})")
            parts.append(SemanticCacheMiddleware(levers.cache, scope=scope))
        if self._steps:
            parts.append(TrimToolMessages(self._steps))
        if levers.memory is not None:
            parts.append(MemoryMiddleware(levers.memory))
        if levers.router is not None:
            parts.append(RoutingMiddleware(levers.router, self._tiers(models)))
        if levers.output is not None:
            parts.append(OutputBudgetMiddleware(levers.output, request_type=self.request_type))
        if levers.layout is not None:
            parts.append(PromptCachingMiddleware())
        return parts

    def _routed(self, model: Models) -> BaseChatModel:
        if self.levers.router is not None:
            tiers = self._tiers(None if isinstance(model, BaseChatModel) else model)
            return RouterChatModel(router=self.levers.router, models=tiers)
        if not isinstance(model, BaseChatModel):
            raise InputError("several models need a router: Levers(router=Router(tiers))")
        return model

    @staticmethod
    def _tiers(models: Mapping[str, BaseChatModel] | None) -> dict[str, BaseChatModel]:
        if models is None:
            raise InputError("a router needs a model for each tier: {'cheap': …, 'strong': …}")
        return dict(models)


class TrimmedRetriever(BaseRetriever):
    """A retriever whose documents go through a compressor."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: BaseRetriever
    compressor: RagthriftCompressor

    @override
    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = self.retriever.invoke(query, {"callbacks": run_manager.get_child()})
        return list(self.compressor.compress_documents(found, query))

    @override
    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = await self.retriever.ainvoke(query, {"callbacks": run_manager.get_child()})
        return list(await self.compressor.acompress_documents(found, query))
