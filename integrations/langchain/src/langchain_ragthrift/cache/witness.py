"""What a chain does while it answers: documents found, tokens used, tools run."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import RunnableConfig

from langchain_ragthrift.cache.messages import ended, finish_reason, total_tokens
from ragthrift import ToolCall
from ragthrift.types import FinishReason


class Witness(BaseCallbackHandler):
    """Watches one run of a chain."""

    run_inline = True
    """In the thread of the run, not in one of the event loop's."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.documents: list[Document] | None = None
        """What retrievers found; `None` when none was asked."""
        self.tokens = 0
        self.tools: list[ToolCall] = []
        """Tools that ran and gave something else than documents."""
        self.finish_reason: FinishReason = "stop"
        """Of the first call of a model that did not end by itself."""

    def watching(self, config: RunnableConfig) -> RunnableConfig:
        """The config for the run to be watched."""
        callbacks = config.get("callbacks")
        if isinstance(callbacks, BaseCallbackManager):
            callbacks = callbacks.copy()
            callbacks.add_handler(self, inherit=True)
            return {**config, "callbacks": callbacks}
        return {**config, "callbacks": [*(callbacks or []), self]}

    def on_retriever_end(self, documents: Sequence[Document], **_: Any) -> None:
        """Note what was found."""
        with self._lock:
            self.documents = [*(self.documents or []), *documents]

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        """Note documents, or the tool."""
        found = found_by(output) if isinstance(output, ToolMessage) else None
        if found is not None:
            self.on_retriever_end(found)
            return
        with self._lock:
            self.tools.append(ToolCall("", str(kwargs.get("name"))))

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        """Note tokens and how it ended."""
        for generation in (g for several in response.generations for g in several):
            message = generation.message if isinstance(generation, ChatGeneration) else None
            end = finish_reason(generation.generation_info or {})
            with self._lock:
                if isinstance(message, AIMessage):
                    self.tokens += total_tokens(message)
                    end = ended(message) if end == "stop" else end
                if self.finish_reason == "stop" and end != "tool_calls":
                    self.finish_reason = end


def found_by(message: ToolMessage) -> list[Document] | None:
    """The documents that a retrieval tool found; `None` for any other tool."""
    artifact = message.artifact
    if message.status == "error" or not isinstance(artifact, list):
        return None
    documents = [item for item in artifact if isinstance(item, Document)]
    return documents if len(documents) == len(artifact) else None
