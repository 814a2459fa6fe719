"""The memories of LangChain, langmem and LlamaIndex in a replay, each as its documentation has it.

All get the same model for their summaries and the same exact counter. What they store as facts or
summaries is the writer's text; nothing of what they would forget is judged here.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from benchmarks.memory_replay import Remembering, System, Writer, ids_of
from ragthrift import Message

_FACTS = 6
"""Of a text about 200 tokens long."""


def _counted(messages: Iterable[Any]) -> int:
    """The tokens of LangChain's messages."""
    return sum(len(ids_of(_plain(message))) for message in messages)


def _plain(message: Any) -> Message:
    """From LangChain's message."""
    role: Any = {"human": "user", "ai": "assistant", "system": "system"}[message.type]
    return Message(role, str(message.content))


def _langchain(message: Message) -> Any:
    from langchain_core.messages import AIMessage, HumanMessage

    kind = HumanMessage if message.role == "user" else AIMessage
    return kind(message.content)


def _langchain_model(writer: Writer) -> Any:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Model(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "writer"

        def _generate(self, messages: list[Any], *_: Any, **__: Any) -> ChatResult:
            text = writer.write([_plain(message) for message in messages])
            return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

        def get_num_tokens_from_messages(self, messages: list[Any], *_: Any, **__: Any) -> int:
            return _counted(messages)

    return Model()


class _Following(Remembering):
    """Hands over each message once."""

    def __init__(self) -> None:
        self._seen = 1

    def _new(self, said: Sequence[Message]) -> Sequence[Message]:
        new = said[self._seen :]
        self._seen = len(said)
        return new

    def answered(self, said: Sequence[Message]) -> None:
        """The answer comes with the next question."""


class Middleware(_Following):
    """LangChain 1.x's `SummarizationMiddleware`."""

    def __init__(self, writer: Writer) -> None:
        from langchain.agents.middleware import SummarizationMiddleware

        super().__init__()
        self._held: list[Any] = []
        self._middleware: Any = SummarizationMiddleware(
            _langchain_model(writer),
            trigger=("tokens", 4000),
            keep=("messages", 20),
            token_counter=_counted,
        )

    def prompt(self, said: Sequence[Message]) -> Sequence[Message]:
        """As an agent would call it."""
        self._held += map(_langchain, self._new(said))
        change = self._middleware.before_model({"messages": self._held}, None)
        if change:
            self._held = [message for message in change["messages"] if message.type != "remove"]
        return [said[0], *map(_plain, self._held)]


class SummaryBuffer(_Following):
    """LangChain's classic `ConversationSummaryBufferMemory`."""

    def __init__(self, writer: Writer) -> None:
        from langchain_classic.memory import ConversationSummaryBufferMemory

        super().__init__()
        self._memory: Any = ConversationSummaryBufferMemory(
            llm=_langchain_model(writer), max_token_limit=2000, return_messages=True
        )

    def prompt(self, said: Sequence[Message]) -> Sequence[Message]:
        """It prunes when an exchange is saved; the question comes after it."""
        self._memory.chat_memory.add_messages([*map(_langchain, self._new(said)[:-1])])
        self._memory.prune()
        self._seen -= 1
        held = self._memory.load_memory_variables({})["history"]
        return [said[0], *map(_plain, held), said[-1]]


class LangMem(_Following):
    """langmem's `summarize_messages`."""

    def __init__(self, writer: Writer, before: int | None) -> None:
        super().__init__()
        self._summarise = import_module("langmem.short_term").summarize_messages
        self._model = _langchain_model(writer)
        self._before = before
        self._held: list[Any] = []
        self._summary: Any = None

    def prompt(self, said: Sequence[Message]) -> Sequence[Message]:
        """All messages, and the summary so far."""
        for message in map(_langchain, self._new(said)):
            message.id = str(len(self._held))
            self._held.append(message)
        result = self._summarise(
            self._held,
            running_summary=self._summary,
            model=self._model,
            max_tokens=2048,
            max_tokens_before_summary=self._before,
            token_counter=_counted,
        )
        self._summary = result.running_summary
        return [said[0], *map(_plain, result.messages)]


def _llama_index_model(writer: Writer, *, facts: bool = False) -> Any:
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata

    def answer(prompt: str) -> str:
        text = writer.write([Message("user", prompt)])
        words = text.split()
        size = -(-len(words) // _FACTS)
        parts = [" ".join(words[at : at + size]) for at in range(0, len(words), size)]
        return "".join(f"<fact>{part}</fact>" for part in parts) if facts else text

    class Model(CustomLLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(context_window=128_000)

        def complete(self, prompt: str, *_: Any, **__: Any) -> CompletionResponse:
            return CompletionResponse(text=answer(prompt))

        def stream_complete(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError

    return Model()


def _tokenised(text: str) -> list[int]:
    return list(ids_of(Message("user", text)))


def _llama_index(message: Message) -> Any:
    from llama_index.core.llms import ChatMessage

    return ChatMessage(role=message.role, content=message.content)


def _from_llama_index(message: Any) -> Message:
    return Message(message.role.value, message.content or "")


class ChatSummaryBuffer(_Following):
    """LlamaIndex's `ChatSummaryMemoryBuffer`."""

    def __init__(self, writer: Writer) -> None:
        from llama_index.core.memory import ChatSummaryMemoryBuffer

        super().__init__()
        self._memory = ChatSummaryMemoryBuffer.from_defaults(
            llm=_llama_index_model(writer), token_limit=2000, tokenizer_fn=_tokenised
        )

    def prompt(self, said: Sequence[Message]) -> Sequence[Message]:
        """Put what is new, and get."""
        for message in self._new(said):
            self._memory.put(_llama_index(message))
        return [said[0], *map(_from_llama_index, self._memory.get())]


class FactMemory(_Following):
    """LlamaIndex's `Memory` with a `FactExtractionMemoryBlock`."""

    def __init__(self, writer: Writer) -> None:
        from llama_index.core.memory import FactExtractionMemoryBlock, Memory

        super().__init__()
        block = FactExtractionMemoryBlock(llm=_llama_index_model(writer, facts=True))
        self._memory = Memory.from_defaults(
            token_limit=4000,
            chat_history_token_ratio=0.7,
            token_flush_size=1200,
            memory_blocks=[block],
            tokenizer_fn=_tokenised,
        )
        self._runner = asyncio.Runner()

    def prompt(self, said: Sequence[Message]) -> Sequence[Message]:
        """Put what is new, and get; the facts come as a system message."""
        return self._runner.run(self._asked(said))

    async def _asked(self, said: Sequence[Message]) -> list[Message]:
        await self._memory.aput_messages([*map(_llama_index, self._new(said))])
        held = [*map(_from_llama_index, await self._memory.aget())]
        return [said[0], *held]


PEERS: dict[str, Callable[[], System]] = {
    "LangChain SummarizationMiddleware(4000, keep 20)": lambda: Middleware,
    "LangChain ConversationSummaryBufferMemory(2000)": lambda: SummaryBuffer,
    "langmem(2048)": lambda: lambda writer: LangMem(writer, None),
    "langmem(2048, before 4000)": lambda: lambda writer: LangMem(writer, 4000),
    "LlamaIndex ChatSummaryMemoryBuffer(2000)": lambda: ChatSummaryBuffer,
    "LlamaIndex Memory with facts(4000, 0.7, 1200)": lambda: FactMemory,
}
"""With the limits of the published comparison: a few thousand tokens each."""
