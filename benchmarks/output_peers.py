"""What reads broken answers beside ours: its object or None, and the repair calls it made."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from ragthrift.prompt.output import Repair
from ragthrift.testing import ScriptedLLM
from ragthrift.tokens import EstimatedTokens


@dataclass(frozen=True, slots=True)
class Case:
    """A broken answer; `truth` is what it says, `None` where nothing can be told for sure."""

    kind: str
    shape: type[BaseModel]
    answer: str
    finish: str
    truth: Any
    repair: str
    """What a model answers that is asked to mend it."""


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one; the tokens are those of repair calls."""

    value: Any = None
    calls: int = 0
    tokens: int = 0


Reader = Callable[[Case], Read]

_COUNT = EstimatedTokens().count


def _plain(made: Any) -> Any:
    return made.model_dump() if isinstance(made, BaseModel) else made


def ours(case: Case) -> Read:
    """Without a call."""
    answer = Repair(case.shape, on_error="pass").read(case.answer, case.finish)
    return Read(_plain(answer.value))


def ours_with_a_call(case: Case) -> Read:
    """With one where it must be."""
    llm = ScriptedLLM(case.repair)
    answer = Repair(case.shape, llm, on_error="pass").read(case.answer, case.finish)
    return Read(_plain(answer.value), len(llm.calls), answer.usage.total_tokens)


def strict_json(case: Case) -> Read:
    """`json.loads` and pydantic."""
    try:
        return Read(_plain(case.shape.model_validate(json.loads(case.answer))))
    except ValueError:
        return Read()


def json_repair_alone(case: Case) -> Read:
    """json-repair and pydantic."""
    from json_repair import loads

    try:
        return Read(_plain(case.shape.model_validate(loads(case.answer))))
    except ValidationError:
        return Read()


def json_repair_with_schema(case: Case) -> Read:
    """json-repair guided by the schema."""
    from json_repair import loads

    try:
        return Read(_plain(case.shape.model_validate(loads(case.answer, schema=case.shape))))
    except ValueError:
        return Read()


def langchain_json(case: Case) -> Read:
    """LangChain's `JsonOutputParser`, by its `parse_partial_json`, and pydantic."""
    from langchain_core.exceptions import OutputParserException
    from langchain_core.output_parsers import JsonOutputParser

    try:
        return Read(_plain(case.shape.model_validate(JsonOutputParser().parse(case.answer))))
    except (OutputParserException, ValidationError):
        return Read()


def langchain_fixing(case: Case) -> Read:
    """LangChain's `OutputFixingParser` around its pydantic parser."""
    from langchain_classic.output_parsers import OutputFixingParser
    from langchain_core.exceptions import OutputParserException
    from langchain_core.output_parsers import PydanticOutputParser
    from langchain_core.runnables import RunnableLambda

    sent: list[str] = []

    def answer(prompt: Any) -> str:
        sent.append(prompt.to_string())
        return case.repair

    parser: Any = PydanticOutputParser(pydantic_object=case.shape)
    fixing: Any = OutputFixingParser.from_llm(RunnableLambda(answer), parser)
    made = None
    with suppress(OutputParserException):
        made = fixing.parse(case.answer)
    tokens = sum(map(_COUNT, sent)) + len(sent) * _COUNT(case.repair)
    return Read(_plain(made), len(sent), tokens)


def llama_index_pydantic(case: Case) -> Read:
    """LlamaIndex's `PydanticOutputParser`."""
    from llama_index.core.output_parsers import PydanticOutputParser

    try:
        return Read(_plain(PydanticOutputParser[Any](case.shape).parse(case.answer)))
    except ValueError:
        return Read()


READERS: dict[str, Reader] = {
    "ours": ours,
    "ours, with a call": ours_with_a_call,
    "json.loads": strict_json,
    "json-repair": json_repair_alone,
    "json-repair, with schema": json_repair_with_schema,
    "langchain JsonOutputParser": langchain_json,
    "langchain OutputFixingParser": langchain_fixing,
    "llama-index PydanticOutputParser": llama_index_pydantic,
}
