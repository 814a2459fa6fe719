"""A chat model that answers from what it is sent and nothing else, and small memories."""

import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field

from ragthrift.memory import Caching, ConversationMemory, Policy, Room, Watermarks

ID = "4711"
SAID = f"By the way: customer id {ID}, allergic to peanuts."
ASKED = "What is my customer id?"
_KNOWN = re.compile(r"customer id\W+(\d+)")


def memory_of(high: int = 600, low: int = 200, **more: Any) -> ConversationMemory:
    """One that summarises early."""
    policy = Policy(Watermarks(high, low), Caching(min_tokens=0), horizon=1000)
    return ConversationMemory(
        policy=policy, room=Room(summary=60, summaries=200, facts=60, recall=60, clip=80), **more
    )


def settle() -> None:
    """Wait for the summaries under way."""
    for thread in threading.enumerate():
        if thread.name == "ragthrift-memory":
            thread.join(60)


def small_talk(number: int) -> str:
    trees = f"the weather on day {number} is mild, and we walked past {number} trees"
    return f"Today {trees} near the old mill by the river, where the broad boats lie."


def answer(messages: Sequence[BaseMessage]) -> AIMessage:
    """The customer's number if it is asked for and was sent, small talk otherwise."""
    if messages[-1].text != ASKED:
        return AIMessage(f"How nice to hear, for the {len(messages)}th time.")
    found = _KNOWN.search("\n".join(str(message.text) for message in messages))
    return AIMessage(f"It is {found.group(1)}." if found else "I do not know.")


class Reader(BaseChatModel):
    """Answers by `reply`, word by word in a stream; keeps what it was sent."""

    reply: Callable[[Sequence[BaseMessage]], AIMessage] = answer
    heard: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "reader"

    def _said(self, messages: Sequence[BaseMessage]) -> AIMessage:
        self.heard.append(list(messages))
        return self.reply(messages)

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._said(messages))])

    def _stream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Iterator[Any]:
        said = self._said(messages)
        for word in re.findall(r"\S+\s*", str(said.text)):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        calls: list[Any] = [
            {"name": c["name"], "args": str(c["args"]).replace("'", '"'), "id": c["id"], "index": n}
            for n, c in enumerate(said.tool_calls)
        ]
        last = AIMessageChunk(content="", tool_call_chunks=calls, chunk_position="last")
        yield ChatGenerationChunk(message=last)

    async def _astream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> AsyncIterator[Any]:
        for chunk in self._stream(messages):
            yield chunk

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(**kwargs)


def human(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}
