"""Trims retrieved context where agents get it: in the messages of their tools."""

import logging
import operator
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ToolCallRequest
from langchain_core.documents import Document
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.prompts import BasePromptTemplate
from langchain_core.runnables import ensure_config, run_in_executor
from langgraph.types import Command

from langchain_ragthrift.convert import from_passages, to_passages
from langchain_ragthrift.layout import Layout, documents_of, find_layout, text_content
from langchain_ragthrift.ledger.hits import tell_trim
from ragthrift import InputError, Passage, Pipeline, Run
from ragthrift.pipeline import OnError
from ragthrift.protocols import Compressor, Reranker, Step, TokenCounter

log = logging.getLogger(__name__)


class TrimToolMessages(AgentMiddleware):
    """Reranks, drops and shortens what retrieval tools return, before the model reads it.

    A message whose artifact is a list of documents, as `create_retriever_tool` makes with
    `response_format="content_and_artifact"`, gets the documents that the steps kept, as artifact
    and as content. What the tool wrote around each text (a source, a number) stays around it;
    with a `document_prompt` the content is rendered anew.

    `tools` names the only tools whose messages are touched; a message of theirs without documents
    is split at `document_separator` into passages. `None` means every tool, documents only.

    The query is the call's argument `query_argument`, else its only text argument, else the last
    human message. Everything that cannot be read as passages for a query is handed on as it is:
    errors, commands, images, and content that is no rendering of the artifact. So is what a tool
    gave when the steps kept nothing of it: an empty result would make an agent search again.
    """

    def __init__(
        self,
        steps: Iterable[Step | Reranker | Compressor],
        *,
        tools: Collection[str] | None = None,
        query_argument: str = "query",
        document_prompt: BasePromptTemplate[str] | None = None,
        document_separator: str = "\n\n",
        token_counter: TokenCounter | None = None,
        on_error: OnError = "pass",
        on_run: Callable[[Run], None] | None = None,
    ) -> None:
        if isinstance(tools, str):
            raise InputError(f'tools={tools!r} must be a collection of names: tools=("{tools}",)')
        if not document_separator:
            raise InputError("document_separator must not be empty: it is where content is split")
        self.pipeline = Pipeline(
            steps, token_counter=token_counter, on_error=on_error, on_run=on_run
        )
        self._names = None if tools is None else frozenset(tools)
        self._query_argument = query_argument
        self._prompt = document_prompt
        self._separator = document_separator
        self._unreadable: set[str] = set()

    @property
    def name(self) -> str:
        """Differs by tools, so that an agent may trim two tools in two ways."""
        own = type(self).__name__
        return own if self._names is None else f"{own}({', '.join(sorted(self._names))})"

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Call the tool and trim its message."""
        return self._trim(request, handler(request))

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Await the tool and trim its message in a thread: the event loop stays free."""
        return await run_in_executor(None, self._trim, request, await handler(request))

    def _trim(
        self, request: ToolCallRequest, result: ToolMessage | Command[Any]
    ) -> ToolMessage | Command[Any]:
        if not isinstance(result, ToolMessage) or result.status == "error":
            return result
        tool = request.tool_call["name"]
        if self._names is not None and tool not in self._names:
            return result
        query = self._query(request)
        content = text_content(result, self._separator)
        if query is None or not content:
            return result
        documents = documents_of(result)
        pieces = documents or self._pieces(content)
        if not pieces:
            return result
        prompt = self._prompt if documents else None
        layout = find_layout(content, pieces, separator=self._separator, prompt=prompt)
        if layout is None:
            self._warn(tool)
            return result
        return self._trimmed(query, result, pieces, layout)

    def _trimmed(
        self, query: str, message: ToolMessage, pieces: Sequence[Document], layout: Layout
    ) -> ToolMessage:
        given = to_passages(pieces)
        kept = self.pipeline(query, given)
        if _same(kept, given) or not any(passage.text.strip() for passage in kept):
            return message
        place = {passage.id: index for index, passage in enumerate(given)}
        documents = from_passages(kept, given, pieces)
        tell_trim(ensure_config(), pieces, documents)
        written = (
            layout(place[passage.id], document)
            for passage, document in zip(kept, documents, strict=True)
        )
        update: dict[str, Any] = {"content": self._separator.join(written)}
        if documents_of(message):
            update["artifact"] = documents
        return message.model_copy(update=update)

    def _query(self, request: ToolCallRequest) -> str | None:
        arguments = request.tool_call["args"]
        named = arguments.get(self._query_argument)
        if isinstance(named, str) and named.strip():
            return named
        texts = [value for value in arguments.values() if isinstance(value, str) and value.strip()]
        return texts[0] if len(texts) == 1 else _last_question(request.state)

    def _pieces(self, content: str) -> list[Document]:
        """Split a message without documents: only of a tool that was named."""
        if self._names is None:
            return []
        return [Document(piece) for piece in content.split(self._separator) if piece.strip()]

    def _warn(self, tool: str) -> None:
        if tool in self._unreadable:
            return
        self._unreadable.add(tool)
        log.warning(
            "what %s returns is not its documents joined by %r, so it is handed on untrimmed "
            "(logged once); pass document_prompt to have the kept documents rendered",
            tool,
            self._separator,
        )


def _same(kept: Sequence[Passage], given: Sequence[Passage]) -> bool:
    return len(kept) == len(given) and all(map(operator.is_, kept, given))


def _last_question(state: Any) -> str | None:
    """Find the last human message of a state: a list, a mapping or a model of messages."""
    if isinstance(state, Mapping):
        messages = state.get("messages", ())
    else:
        messages = getattr(state, "messages", state)
    for message in reversed(messages or ()):
        if isinstance(message, HumanMessage):
            return str(message.text).strip() or None
    return None
