"""A request as llama.cpp takes it: what the model reads, and what its answer must be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ragthrift.errors import InputError
from ragthrift.local.constraint import check_schema, plain_schema
from ragthrift.local.conversation import ChatPrompt, Prompt, TextPrompt
from ragthrift.local.prompts import PromptFormat
from ragthrift.local.sampling import Request
from ragthrift.local.server import LlamaServer
from ragthrift.local.tool_text import call_schema, write_tools
from ragthrift.types import Message, Tool

_LARGEST_SEED = 2**32 - 2
"""llama.cpp keeps 32 bits of a seed, and all of them set mean a random one."""


@dataclass(frozen=True, slots=True)
class RequestWriter:
    """How a model is asked: by its template, or as a text."""

    server: LlamaServer
    model: str
    prompt_format: PromptFormat | None
    can_chat: bool
    knows_tools: bool
    """Whether the template writes tools itself, and llama.cpp reads calls back."""

    def prompt(self, request: Request) -> Prompt:
        """What the model reads; InputError for what it cannot."""
        check_texts(request)
        tools = offered(request)
        for tool in tools:
            _check_tool(tool)
        if self.knows_tools:
            chat = ChatPrompt(request.messages, tools)
            # llama.cpp does not force a call: it is forced by a schema, on the written prompt.
            return chat.written(self.server) if must_call(request) else chat
        messages: Sequence[Message] = request.messages
        if tools or any(turn.role == "tool" or turn.tool_calls for turn in messages):
            messages = write_tools(messages, tools, must_call=must_call(request))
        return self._plain(messages)

    def _plain(self, messages: Sequence[Message]) -> Prompt:
        if self.prompt_format is not None:
            text = self.prompt_format(messages)
            if not text:
                raise InputError("the prompt_format wrote an empty prompt for these messages")
            return TextPrompt(text)
        if self.can_chat:
            return ChatPrompt(messages)
        raise InputError(
            f"{self.model} is a base model: its file holds no chat template; pass a "
            "prompt_format, such as ragthrift.local.plain_text for a few-shot prompt, or a "
            "chat_template"
        )


def offered(request: Request) -> tuple[Tool, ...]:
    """The tools that may be called: none, one by name, or all."""
    if request.tool_choice == "none":
        return ()
    if request.tool_choice in ("auto", "required"):
        return request.tools
    return tuple(tool for tool in request.tools if tool.name == request.tool_choice)


def must_call(request: Request) -> bool:
    """Whether the answer has to be a call."""
    return bool(request.tools) and request.tool_choice not in ("auto", "none")


def answer_form(request: Request, prompt: Prompt) -> dict[str, Any]:
    """The fields of llama.cpp's request that bind or describe the answer."""
    form: dict[str, Any] = {}
    if request.schema is not None:
        check_schema(request.schema)
        form["json_schema"] = plain_schema(request.schema)
    if request.grammar is not None:
        form["grammar"] = request.grammar
    if must_call(request):
        form["json_schema"] = plain_schema(call_schema(offered(request)))
    if request.logprobs is not None:
        form |= _logprobs(request, prompt)
    return form


def check_texts(request: Request) -> None:
    """Refuse texts that no tokenizer reads, with InputError.

    >>> check_texts(Request(messages=(Message("user", "half an emoji: " + chr(0xD83D)),)))
    ... # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ragthrift.errors.InputError: a user message holds half a character ...
    """
    for message in request.messages:
        check_text(message.content, f"a {message.role} message")
        for call in message.tool_calls:
            check_text(call.name + call.arguments, "a tool call")
    for text in request.stop:
        check_text(text, "a stop text")
    check_text(request.grammar or "", "the grammar")
    if not 0 <= request.sampling.seed <= _LARGEST_SEED:
        raise InputError(f"seed={request.sampling.seed} must be from 0 to {_LARGEST_SEED}")


def check_text(text: str, where: str) -> None:
    """Refuse a text that is none, or holds a NUL or half a character."""
    if not isinstance(text, str):
        raise InputError(f"{where} must be a text, not {type(text).__name__}")
    if "\0" in text:
        raise InputError(f"{where} holds a NUL character; leave it out: text.replace('\\0', '')")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where} holds half a character (a surrogate at {error.start}); repair it with "
            "ragthrift.tokens.well_formed"
        ) from error


def _check_tool(tool: Tool) -> None:
    check_text(tool.name + tool.description, f"the tool {tool.name!r}")
    try:
        check_schema(tool.parameters)
    except InputError as error:
        raise InputError(f"the parameters of the tool {tool.name!r}: {error}") from error


def _logprobs(request: Request, prompt: Prompt) -> dict[str, Any]:
    # llama.cpp sends none at all for 0, so that one is asked for and left out again.
    alternatives = max(1, request.logprobs or 0)
    if isinstance(prompt, TextPrompt):
        return {"logprobs": alternatives}
    if prompt.body.get("tools"):
        raise InputError("llama.cpp gives no logprobs while it may call tools; leave one out")
    return {"logprobs": True, "top_logprobs": alternatives}


def for_one_token(request: Request, *, session: str) -> Request:
    """The request with the shortest answer: it only reads the prompt."""
    plain = replace(request, schema=None, grammar=None, logprobs=None, stop=())
    return replace(plain, max_tokens=1, session=session)
