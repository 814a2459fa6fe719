"""Small stand-ins for what costs money: models and document stores."""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from pydantic import Field

from ragthrift import Completion, Message, Passage, Usage


def keep(*texts: str) -> Callable[[str, Sequence[Passage]], list[Passage]]:
    """A step that keeps the passages with these texts, in this order."""

    def kept(query: str, passages: Sequence[Passage]) -> list[Passage]:
        return [p for text in texts for p in passages if p.text == text]

    return kept


def unchanged(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
    return passages


def drop_all(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return []


def broken(query: str, passages: Sequence[Passage]) -> list[Passage]:
    raise RuntimeError("no model today")


class Shelf(BaseRetriever):
    """A retriever that finds the same documents whatever it is asked."""

    documents: list[Document]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return self.documents


class ScriptedModel(BaseChatModel):
    """Says its lines in order and remembers what it was sent."""

    lines: list[AIMessage]
    heard: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.heard.append(list(messages))
        line = self.lines[len(self.heard) - 1]
        return ChatResult(generations=[ChatGeneration(message=line)])

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=[tool.name for tool in tools], **kwargs)


class EchoLLM:
    """A `ragthrift` language model that repeats the last turn; a token is a word."""

    def __init__(self, cache_read_tokens: int = 0) -> None:
        self.calls: list[tuple[list[Message], int | None, tuple[str, ...]]] = []
        self._cache_read_tokens = cache_read_tokens

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        self.calls.append((list(messages), max_tokens, tuple(stop)))
        text = messages[-1].content
        for mark in stop:
            text = text.split(mark, 1)[0]
        words = text.split()
        spoken = words if max_tokens is None else words[:max_tokens]
        return Completion(
            text if len(spoken) == len(words) else " ".join(spoken),
            Usage(
                sum(len(message.content.split()) for message in messages),
                len(spoken),
                cache_read_tokens=self._cache_read_tokens,
            ),
            "echo-1",
            "stop" if len(spoken) == len(words) else "length",
        )


class StreamingLLM(EchoLLM):
    """The same, letter by letter."""

    closed = False

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Generator[str, None, Completion]:
        completion = self.complete(messages, max_tokens=max_tokens, stop=stop)
        try:
            yield from completion.text
        finally:
            self.closed = True
        return completion
