"""One prompt to an LLM, sent from a thread or from an event loop."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate

from llama_index_ragthrift.cache.endings import Ending, Said
from ragthrift import Passage
from ragthrift.bridge import Bridge
from ragthrift.cache import Fresh


class Predicting:
    """Calls the LLM when the cache cannot answer.

    By `chat` or `complete` and not by `predict`, which returns a text alone: how it ended decides
    whether it is kept.
    """

    def __init__(
        self,
        llm: LLM,
        prompt: BasePromptTemplate,
        variables: Mapping[str, Any],
        *,
        bridge: Bridge | None = None,
    ) -> None:
        self._llm, self._prompt, self._variables = llm, prompt, variables
        self._bridge = bridge

    def answer(self, question: str, passages: Sequence[Passage]) -> Fresh:  # noqa: ARG002
        """For `SemanticCache.answer`."""
        response, ending = self._call(), Ending()
        ending.hear(response)
        if isinstance(response, ChatResponse):
            return ending.to_fresh(response.message.content or "")
        return ending.to_fresh(response.text)

    def pieces(
        self,
        question: str,  # noqa: ARG002
        passages: Sequence[Passage],  # noqa: ARG002
    ) -> Generator[str | Fresh, None, None]:
        """For `SemanticCache.stream`."""
        ending = Ending()
        for response in self._stream():
            ending.hear(response)
            yield response.delta or ""
        yield ending.to_fresh("")

    def _call(self) -> Said:
        llm, bridge = self._llm, self._bridge
        if llm.metadata.is_chat_model:
            messages = self._messages()
            return bridge.wait(llm.achat(messages)) if bridge else llm.chat(messages)
        text = self._text()
        if bridge:
            return bridge.wait(llm.acomplete(text, formatted=True))
        return llm.complete(text, formatted=True)

    def _stream(self) -> Generator[Said, None, None]:
        llm, bridge = self._llm, self._bridge
        if llm.metadata.is_chat_model:
            messages = self._messages()
            if not bridge:
                yield from llm.stream_chat(messages)
                return
            yield from bridge.values(bridge.wait(llm.astream_chat(messages)))
            return
        text = self._text()
        if not bridge:
            yield from llm.stream_complete(text, formatted=True)
            return
        yield from bridge.values(bridge.wait(llm.astream_complete(text, formatted=True)))

    def _messages(self) -> list[ChatMessage]:
        return self._llm._get_messages(self._prompt, **self._variables)

    def _text(self) -> str:
        return self._llm._get_prompt(self._prompt, **self._variables)
