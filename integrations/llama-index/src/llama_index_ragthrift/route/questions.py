"""Questions that are answered by a response: of chat messages, with tools or without, or text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    MessageRole,
)
from llama_index.core.llms import LLM
from llama_index.core.tools import BaseTool

from llama_index_ragthrift.calling import calls_functions
from llama_index_ragthrift.route.answers import attempt_of, calls_tools
from llama_index_ragthrift.route.calls import call_of, without_pins
from llama_index_ragthrift.route.hearing import Hearing
from llama_index_ragthrift.route.question import Given, Question
from llama_index_ragthrift.route.record import Marked, by_tier, with_record
from llama_index_ragthrift.route.telling import Telling
from llama_index_ragthrift.route.template import being_filled
from ragthrift import InputError
from ragthrift.route import Attempt, Piece, Routed


class _Responding(Question[Marked]):
    _empty: Marked
    """The response of a stream in which nothing came."""

    def attempt(self, llm: LLM, said: Any, telling: Telling, hearing: Hearing) -> Attempt:  # noqa: ARG002
        return attempt_of(llm, said, telling)

    def piece(self, said: Any, tier: str) -> Piece:
        return Piece(said.delta or "", by_tier(said, tier), calls_tool=calls_tools(said))

    def answer(self, routed: Routed) -> Marked:
        raw: Any = routed.answer.raw if routed.answer else None
        said: Marked = self._empty if raw is None else raw
        return with_record(said, routed)

    def ending(self, routed: Routed) -> Iterator[Marked]:
        """The last response again, with the record."""
        yield self.answer(routed).model_copy(update={"delta": ""})


class Chat(_Responding[ChatResponse]):
    """A conversation."""

    method = "chat"
    _empty = ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=""))

    def __init__(self, messages: Sequence[ChatMessage], options: Mapping[str, Any]) -> None:
        self.call = call_of(messages, options, filled=being_filled())
        self._messages, self._options = messages, without_pins(options)

    def given(self, llm: LLM, added: Sequence[ChatMessage]) -> Given:  # noqa: ARG002
        """The messages."""
        return ([*self._messages, *added],), self._options


class Complete(_Responding[CompletionResponse]):
    """A prompt that is one string."""

    method = "complete"
    _empty = CompletionResponse(text="")

    def __init__(self, prompt: str, formatted: bool, options: Mapping[str, Any]) -> None:
        template = being_filled()
        self.call = call_of([ChatMessage(prompt)], options, filled=template)
        # What LlamaIndex made of a template has no format yet: each LLM has one of its own.
        self._formatted = formatted and template is None
        self._prompt, self._options = prompt, without_pins(options)

    def given(self, llm: LLM, added: Sequence[ChatMessage]) -> Given:  # noqa: ARG002
        """The prompt, and what was added below it."""
        prompt = "\n\n".join([self._prompt, *(turn.content or "" for turn in added)])
        return (prompt,), {"formatted": self._formatted, **self._options}


class ChatWithTools(Chat):
    """A conversation in which tools may be called."""

    method = "chat_with_tools"

    def __init__(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        **options: Any,
    ) -> None:
        asked = ChatMessage(user_msg) if isinstance(user_msg, str) else user_msg
        super().__init__([*(chat_history or []), *([asked] if asked else [])], options)
        schemas = {tool.metadata.get_name(): tool.metadata.get_parameters_dict() for tool in tools}
        self.call, self._tools = replace(self.call, tools=schemas), list(tools)

    def given(self, llm: LLM, added: Sequence[ChatMessage]) -> Given:
        """The tools as they are: each LLM has a form of its own for them."""
        if not calls_functions(llm):
            raise InputError(
                f"{type(llm).__name__} calls no tools; say so with Tier(..., tools=False)"
            )
        history = [*self._messages, *added]
        return (self._tools,), {"chat_history": history, **self._options}
