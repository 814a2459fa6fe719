"""The two ways a conversation reaches llama.cpp: as one text, or through the chat template."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from ragthrift.errors import InputError
from ragthrift.local.server import LlamaServer, Route
from ragthrift.types import Message


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


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """Messages that the template in the model's file writes out."""

    messages: Sequence[Message]
    route: ClassVar[Route] = "chat_completions"

    def __post_init__(self) -> None:
        if any(message.role == "tool" or message.tool_calls for message in self.messages):
            raise InputError(
                "the chat template takes no tool turns here; "
                "leave them out, or write them by a prompt_format"
            )

    @property
    def body(self) -> dict[str, Any]:
        """See `Prompt`."""
        turns = [{"role": turn.role, "content": turn.content} for turn in self.messages]
        return {"messages": turns}

    def count(self, server: LlamaServer) -> int:
        """See `Prompt`."""
        reply = server.ask("/v1/chat/completions/input_tokens", self.body)
        return int(reply["input_tokens"])


def count_text(server: LlamaServer, text: str, *, framed: bool) -> int:
    """Tokens of a text; `framed` adds the special token that begins a prompt."""
    return len(server.ask("/tokenize", {"content": text, "add_special": framed})["tokens"])
