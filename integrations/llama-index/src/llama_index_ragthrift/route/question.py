"""What is asked of a `RouterLLM`, so that it can be put to any tier's LLM in the same words."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM

from llama_index_ragthrift.route.hearing import Hearing
from llama_index_ragthrift.route.telling import Telling
from ragthrift.route import Attempt, Call, Piece, Routed

Answer = TypeVar("Answer")
Given = tuple[tuple[Any, ...], dict[str, Any]]
"""Arguments of an LLM's method, by place and by name."""


class Question(ABC, Generic[Answer]):
    """One call, whatever its form: awaited, streamed, both or neither."""

    method: ClassVar[str]
    """The LLM's, without `a` and `stream_`."""
    call: Call
    """What the router weighs."""

    @abstractmethod
    def given(self, llm: LLM, added: Sequence[ChatMessage]) -> Given:
        """The arguments of the method; `added` are turns after the caller's own."""

    @abstractmethod
    def attempt(self, llm: LLM, said: Any, telling: Telling, hearing: Hearing) -> Attempt:
        """What the method gave, or the last that it streamed.

        `telling` has all that it gave, `hearing` what LLMs said inside it.
        """

    def failed(self, llm: LLM, error: Exception, hearing: Hearing) -> Attempt | None:  # noqa: ARG002
        """An answer that the method could make nothing of; `None` for any other error."""
        return None

    @abstractmethod
    def piece(self, said: Any, tier: str) -> Piece:
        """A part of a stream."""

    @abstractmethod
    def answer(self, routed: Routed) -> Answer:
        """What the method gives for the whole."""

    @abstractmethod
    def ending(self, routed: Routed) -> Iterator[Answer]:
        """What comes at the end of a stream."""
