"""Objects from answers, mended where that can be done without asking the whole prompt again."""

import asyncio
from typing import Any

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.llms import LLM
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.program import LLMTextCompletionProgram
from llama_index.core.prompts import BasePromptTemplate, PromptTemplate

from llama_index_ragthrift.output.sending import told
from llama_index_ragthrift.wrapped_llm import LlamaIndexLLM
from ragthrift import InputError
from ragthrift.prompt.output import Repair, StructuredOutputError


class RepairingOutputParser(PydanticOutputParser[Any]):
    """LlamaIndex's parser, which reads broken answers, too; goes wherever an output parser goes.

    It is not told how an answer ended, so that brackets missing at its end may be a cut: use
    `StructuredProgram` where you can. A `Repair` with an LLM waits for its call.

    >>> class Soup(BaseModel):
    ...     name: str
    >>> RepairingOutputParser(Repair(Soup)).parse("Today: {'name': 'Pea',}")
    Soup(name='Pea')
    """

    def __init__(self, repair: Repair, **options: Any) -> None:
        if repair.schema.model is None:
            raise InputError("LlamaIndex parses objects: give Repair a class of pydantic's")
        super().__init__(repair.schema.model, **options)
        self.repair = repair

    def parse(self, text: str) -> Any:
        """The object; raises `StructuredOutputError`."""
        return self.read(text, "")

    def read(self, text: str, finish_reason: str) -> Any:
        """The object of an answer that is known to have ended so."""
        answer = self.repair.read(text, finish_reason)
        if answer.how == "failed":
            raise StructuredOutputError("; ".join(answer.problems), text)
        return answer.value


class StructuredProgram(LLMTextCompletionProgram[Any]):
    """A program for an LLM without structured answers of its own: asks by words, then mends.

    `repair` is a `Repair` of the output class, by default one that asks `llm` once if it must.
    Where an LLM calls functions, LlamaIndex's `structured_predict` is the native way, and better.

    >>> from llama_index.core.llms import MockLLM
    >>> class Soup(BaseModel):
    ...     name: str
    >>> program = StructuredProgram(MockLLM(), Soup, "{{'name': 'Pea',}} of {day}?")
    >>> program.output_cls.__name__
    'Soup'
    """

    def __init__(
        self,
        llm: LLM,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate | str,
        *,
        repair: Repair | None = None,
    ) -> None:
        mending = LlamaIndexLLM(llm, purpose="repair")
        self._parser = RepairingOutputParser(repair or Repair(output_cls, mending))
        template = PromptTemplate(prompt) if isinstance(prompt, str) else prompt
        super().__init__(self._parser, output_cls, template.partial_format(), llm)

    @property
    def repair(self) -> Repair:
        """What mends, and counts."""
        return self._parser.repair

    def __call__(self, llm_kwargs: dict[str, Any] | None = None, *_: Any, **kwargs: Any) -> Any:
        """The object; raises `StructuredOutputError`."""
        llm, options = self._llm, llm_kwargs or {}
        if llm.metadata.is_chat_model:
            return self._read(llm.chat(self._messages(kwargs), **options))
        return self._read(llm.complete(self._prompt.format(llm=llm, **kwargs), **options))

    async def acall(self, llm_kwargs: dict[str, Any] | None = None, *_: Any, **kwargs: Any) -> Any:
        """Do the same; a repair call waits in a thread."""
        llm, options = self._llm, llm_kwargs or {}
        if llm.metadata.is_chat_model:
            said: Any = await llm.achat(self._messages(kwargs), **options)
        else:
            said = await llm.acomplete(self._prompt.format(llm=llm, **kwargs), **options)
        return await asyncio.to_thread(self._read, said)

    def _messages(self, variables: dict[str, Any]) -> Any:
        return self._llm._extend_messages(self._prompt.format_messages(llm=self._llm, **variables))

    def _read(self, said: Any) -> Any:
        text = said.message.content if isinstance(said, ChatResponse) else said.text
        return self._parser.read(text or "", told(said)[0])
