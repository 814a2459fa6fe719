"""The two ways a conversation reaches llama.cpp: as one text, or through the chat template."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from ragthrift.local.openai_form import as_tools, as_turns
from ragthrift.local.server import LlamaServer, Route
from ragthrift.types import Message, Tool


class Prompt(Protocol):
    """What the model is to read."""

    @property
    def route(self) -> Route:
        """The call of llama.cpp that takes it."""
        ...

    @property
    def body(self) -> dict[str, Any]:
        """Its part of that call's request."""
        ...

    def count(self, server: LlamaServer) -> int:
        """Tokens of the whole prompt, special tokens included."""
        ...

    def written(self, server: LlamaServer) -> "TextPrompt":
        """The same as one text."""
        ...


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """A text that the model goes on with."""

    text: str
    route: ClassVar[Route] = "completions"

    @property
    def body(self) -> dict[str, Any]:
        """See `Prompt`."""
        return {"prompt": self.text}

    def count(self, server: LlamaServer) -> int:
        """See `Prompt`."""
        return count_text(server, self.text, framed=True)

    def written(self, server: LlamaServer) -> "TextPrompt":  # noqa: ARG002 -- as in `Prompt`
        """See `Prompt`."""
        return self


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """Messages that the chat template writes out, with tools if it knows them."""

    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    route: ClassVar[Route] = "chat_completions"

    @property
    def body(self) -> dict[str, Any]:
        """See `Prompt`."""
        turns = {"messages": as_turns(self.messages)}
        return turns | ({"tools": as_tools(self.tools)} if self.tools else {})

    def count(self, server: LlamaServer) -> int:
        """See `Prompt`."""
        reply = server.ask("/v1/chat/completions/input_tokens", self.body)
        return int(reply["input_tokens"])

    def written(self, server: LlamaServer) -> TextPrompt:
        """See `Prompt`."""
        return TextPrompt(server.ask("/apply-template", self.body)["prompt"])


def count_text(server: LlamaServer, text: str, *, framed: bool) -> int:
    """Tokens of a text; `framed` adds the special token that begins a prompt."""
    return len(server.ask("/tokenize", {"content": text, "add_special": framed})["tokens"])
