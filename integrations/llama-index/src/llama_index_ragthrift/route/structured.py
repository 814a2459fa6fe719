"""A question whose answer is an object of the caller's class."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate, ChatPromptTemplate

from llama_index_ragthrift.route.answers import object_attempt, words_of
from llama_index_ragthrift.route.calls import call_of, without_pins
from llama_index_ragthrift.route.hearing import Hearing
from llama_index_ragthrift.route.question import Given, Question
from llama_index_ragthrift.route.telling import Telling
from llama_index_ragthrift.route.template import filled_in
from ragthrift import RagthriftError
from ragthrift.route import Attempt, Piece, Routed, fault_of


@dataclass(frozen=True, slots=True)
class Misfit:
    """What a model said, and the error it met on the way to an object."""

    words: str
    error: Exception


class StructuredPredict(Question[Any]):
    """A prompt for an object; each LLM asks for it in its own way, as JSON or as a tool's call."""

    method = "structured_predict"

    def __init__(
        self,
        llm: LLM,
        /,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: Mapping[str, Any] | None = None,
        **variables: Any,
    ) -> None:
        options = llm_kwargs or {}
        self._messages = llm._extend_messages(prompt.format_messages(llm=llm, **variables))
        # Whether the JSON is an object of the class is found out by making one.
        self.call = call_of(self._messages, options, filled=filled_in(prompt, variables), schema={})
        self._rewritten = bool(llm.system_prompt)
        self._output_cls, self._prompt, self._variables = output_cls, prompt, variables
        self._options = without_pins(options)

    def given(self, llm: LLM, added: Sequence[ChatMessage]) -> Given:  # noqa: ARG002
        """The template as it is, or filled in where turns come before or after it."""
        options = {"llm_kwargs": dict(self._options)}
        if not added and not self._rewritten:
            return (self._output_cls, self._prompt), options | self._variables
        filled = ChatPromptTemplate(message_templates=[*self._messages, *added])
        return (self._output_cls, filled), options

    def attempt(self, llm: LLM, said: Any, telling: Telling, hearing: Hearing) -> Attempt:  # noqa: ARG002
        """The object as JSON; a stream may end with one that is unfinished."""
        if isinstance(said, self._output_cls):
            return object_attempt(said.model_dump_json(), said, hearing)
        raise ValueError(f"{said!r} is no whole {self._output_cls.__name__}")

    def failed(self, llm: LLM, error: Exception, hearing: Hearing) -> Attempt | None:
        """An answer of which no object could be made: it may be mended, or another tier can."""
        # An integration whose way to an object sends no events still says by a ValueError, such as
        # pydantic's, that a model has answered something else.
        answered = bool(hearing.responses) or isinstance(error, ValueError)
        if isinstance(error, RagthriftError) or fault_of(error) is not None or not answered:
            return None
        words = words_of(llm, hearing.responses[-1]) if hearing.responses else ""
        # With the error below it, JSON of another shape is not taken for an answer.
        text = f"{words}\n{type(error).__name__}: {error}"
        return object_attempt(text, Misfit(words, error), hearing)

    def piece(self, said: Any, tier: str) -> Piece:  # noqa: ARG002
        """An object as far as it has come; it is not text, and not held back as if it were."""
        return Piece("", said, calls_tool=True)

    def answer(self, routed: Routed) -> Any:
        """The object, or the last error on the way to one."""
        found = routed.answer.raw if routed.answer else None
        if isinstance(found, Misfit):
            raise found.error
        return found

    def ending(self, routed: Routed) -> Iterator[Any]:
        """Nothing more."""
        self.answer(routed)
        yield from ()
