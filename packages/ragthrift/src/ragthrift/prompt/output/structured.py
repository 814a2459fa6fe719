"""A language model that answers with values of a schema."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ragthrift.prompt.output.repair import Repair, StructuredAnswer
from ragthrift.protocols import LLM
from ragthrift.types import Completion, Message
from ragthrift.usage import Usage

_HIGHER = 4


@dataclass(frozen=True, slots=True)
class StructuredLLM:
    r"""Asks `llm` for JSON of a schema, and reads it by `repair`.

    With `native=True` the model is given the schema itself, as `complete(..., schema=...)`, and
    cannot write anything else: `ragthrift.local.LocalModel` has that. Else the schema is put behind
    the system message, the same bytes each time. An answer that met `max_tokens` is asked for once
    more with a limit four times as high.

    >>> from ragthrift.testing import ScriptedLLM
    >>> schema = {"type": "object", "properties": {"day": {"type": "integer"}}}
    >>> llm = StructuredLLM(ScriptedLLM("```json\n{'day': '25'}\n```"), Repair(schema))
    >>> llm.ask([Message("user", "When is payday?")]).value
    {'day': 25}
    """

    llm: LLM
    repair: Repair
    native: bool = False

    def ask(
        self, messages: Sequence[Message], *, max_tokens: int | None = None
    ) -> StructuredAnswer:
        """An answer with its value; usage is that of all calls."""
        said = self._complete(messages, max_tokens)
        used = said.usage
        if said.finish_reason == "length" and max_tokens is not None:
            self.repair.tally.add("asked_again")
            said = self._complete(messages, _HIGHER * max_tokens)
            used += said.usage
        answer = self.repair.read(said.text, said.finish_reason)
        return replace(answer, usage=sum([used, answer.usage], Usage()))

    def _complete(self, messages: Sequence[Message], max_tokens: int | None) -> Completion:
        if self.native:
            told: Any = {"schema": self.repair.schema.json}
            return self.llm.complete(messages, max_tokens=max_tokens, **told)
        sent = with_schema(messages, self.repair.schema.text)
        return self.llm.complete(sent, max_tokens=max_tokens)


def with_schema(messages: Sequence[Message], schema: str) -> list[Message]:
    """Put it behind the first system message, where the prompt does not change."""
    asked = shape(schema)
    if messages and messages[0].role == "system":
        first = replace(messages[0], content=f"{messages[0].content}\n\n{asked}")
        return [first, *messages[1:]]
    return [Message("system", asked), *messages]


def shape(schema: str) -> str:
    """Words for a model that is not given the schema in another way."""
    return f"Answer with JSON alone, of this schema:\n{schema}"
