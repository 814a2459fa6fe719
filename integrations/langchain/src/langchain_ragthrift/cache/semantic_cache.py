"""The semantic cache with a way to put it around a chain."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig

from langchain_ragthrift.cache.question import Question
from langchain_ragthrift.cache.runnable import CachedRunnable, Retriever
from langchain_ragthrift.cache.scopes import Parts
from ragthrift import cache

Input = TypeVar("Input")
Output = TypeVar("Output")


class SemanticCache(cache.SemanticCache):
    """`ragthrift.cache.SemanticCache` that wraps LangChain's chains.

    >>> from langchain_core.runnables import RunnableLambda
    >>> wrapped = SemanticCache(None).wrap(RunnableLambda(str.upper), scope={"tenant": "acme"})
    >>> wrapped.invoke("When is soup?")
    'WHEN IS SOUP?'
    """

    def wrap(
        self,
        chain: Runnable[Input, Output],
        *,
        scope: Parts | Callable[[Any, RunnableConfig], Parts],
        question: Question | None = None,
        answer_key: str = "answer",
        document_key: str | None = None,
        ignore: Collection[str] = (),
        user: Callable[[Any, RunnableConfig], str | None] | None = None,
        retrieve: Retriever | None = None,
    ) -> CachedRunnable[Input, Output]:
        """The chain behind this cache: see `CachedRunnable`."""
        return CachedRunnable(
            self,
            chain,
            scope=scope,
            question=question,
            answer_key=answer_key,
            document_key=document_key,
            ignore=ignore,
            user=user,
            retrieve=retrieve,
        )
