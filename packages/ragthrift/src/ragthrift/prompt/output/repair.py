"""A broken answer mended for nothing, or by one small call that does not see the documents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ragthrift.errors import ModelError
from ragthrift.failures import Tally
from ragthrift.ledger import UNTAGGED, Call
from ragthrift.pipeline import OnError
from ragthrift.prompt.output.faithful import unfaithful
from ragthrift.prompt.output.reading import How, Reading, read
from ragthrift.prompt.output.schema import Schema
from ragthrift.protocols import LLM
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Message
from ragthrift.usage import Usage

_RULES = (
    "You correct the notation of an answer so that it fits a JSON schema. Write the corrected JSON "
    "and nothing else. Take every value from the answer, word for word; add and leave out nothing."
)
_HEADROOM = 64


class StructuredOutputError(ModelError):
    """An answer that does not fit its schema and could not be mended; `answer` holds it."""

    def __init__(self, reason: str, answer: str = "") -> None:
        super().__init__(reason)
        self.answer = answer

    def __reduce__(self) -> "tuple[type[StructuredOutputError], tuple[str, str]]":
        """Pickle by both arguments."""
        return type(self), (str(self), self.answer)


@dataclass(frozen=True, slots=True)
class StructuredAnswer:
    """What became of an answer."""

    value: Any
    """It fits the schema; `None` where `how` is "failed"."""
    how: How
    text: str
    usage: Usage = field(default_factory=Usage)
    """Of the repair call, and of the calls for the answer where they were made here."""
    problems: tuple[str, ...] = ()
    """Why it could not be read."""


class Repair:
    """Reads answers: as they stand, else mended on the spot, else by one call of `llm`.

    The call has the schema, the answer and what is wrong with it, never the prompt. What it writes
    is taken only if it fits and says what the answer said. There is no call for an answer that was
    cut off or has an ellipsis: what is missing stands nowhere. By default `StructuredOutputError`
    is raised then; `on_error="pass"` gives an answer without a value. `record` gets a ledger's
    `Call` of each repair call.

    >>> Repair({"type": "object", "required": ["day"]}).read("{'day': 25,}").value
    {'day': 25}
    """

    def __init__(
        self,
        schema: Mapping[str, Any] | type | Schema,
        llm: LLM | None = None,
        *,
        on_error: OnError = "raise",
        record: Callable[[Call], None] | None = None,
        request_type: str = UNTAGGED,
    ) -> None:
        self.schema = Schema.of(schema)
        self._llm, self._record, self._request_type = llm, record, request_type
        self._raise = on_error == "raise"
        self.tally = Tally("repair", on_error)

    def counts(self) -> dict[str, int]:
        """How many answers were read in which way; "called" and "failed" are the dear ones."""
        return self.tally.counts()

    def read(self, answer: str, finish_reason: str = "stop") -> StructuredAnswer:
        """The value of an answer that ended by `finish_reason`."""
        ended = finish_reason in ("stop", "tool_calls")
        reading = read(answer, self.schema, ended=ended)
        if reading.how != "failed":
            return self._counted(StructuredAnswer(reading.value, reading.how, answer))
        if finish_reason in ("length", "content_filter"):
            told = f"it was cut off by {finish_reason!r}; raise max_tokens, or ask for less"
            return self._counted(_failed(answer, Usage(), told))
        if reading.lost:
            told = "what is missing stands nowhere, so no call could mend it"
            return self._counted(_failed(answer, Usage(), *reading.problems, told))
        if self._llm is None:
            return self._counted(_failed(answer, Usage(), *reading.problems))
        return self._counted(self._called(self._llm, answer, reading))

    def _called(self, llm: LLM, answer: str, reading: Reading) -> StructuredAnswer:
        limit = 2 * EstimatedTokens().count(answer) + _HEADROOM
        try:
            made = llm.complete(self._prompt(answer, reading), max_tokens=limit)
        except Exception as error:
            if not self.tally.passes("call", error):
                raise
            return _failed(answer, Usage(), *reading.problems, f"the repair call failed: {error}")
        self._told(made.model, made.usage, made.finish_reason, limit)
        again = read(made.text, self.schema, ended=made.finish_reason == "stop")
        problems = again.problems
        if again.how != "failed":
            problems = tuple(unfaithful(again.value, answer, reading, self.schema))
            if not problems:
                return StructuredAnswer(again.value, "called", answer, made.usage)
        said = (f"after a repair call: {problem}" for problem in problems)
        return _failed(answer, made.usage, *reading.problems, *said)

    def _prompt(self, answer: str, reading: Reading) -> list[Message]:
        """The schema first: the same for all calls, so that a provider may know it."""
        wrong = "\n".join(f"- {problem}" for problem in reading.problems)
        asked = f"The answer:\n{answer}\n\nWhat is wrong with it:\n{wrong}"
        return [
            Message("system", f"{_RULES}\n\nThe schema:\n{self.schema.text}"),
            Message("user", asked),
        ]

    def _told(self, model: str, usage: Usage, finish_reason: str, limit: int) -> None:
        if self._record is None:
            return
        with self.tally.passing("record"):
            self._record(
                Call(
                    model=model,
                    usage=usage,
                    purpose="repair",
                    request_type=self._request_type,
                    finish_reason=finish_reason,
                    max_tokens=limit,
                )
            )

    def _counted(self, answer: StructuredAnswer) -> StructuredAnswer:
        self.tally.add(answer.how)
        if answer.how != "failed":
            return replace(answer, value=self.schema.load(answer.value))
        if self._raise:
            reasons = "; ".join(answer.problems)
            raise StructuredOutputError(f"the answer does not fit: {reasons}", answer.text)
        return answer


def _failed(answer: str, usage: Usage, *problems: str) -> StructuredAnswer:
    return StructuredAnswer(None, "failed", answer, usage, problems)
