"""Prompts of LangChain through a provider's batches, at half the price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.prompt_values import PromptValue, StringPromptValue
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass

from langchain_ragthrift.calling import ToolLike, to_choice, to_tool
from langchain_ragthrift.convert import to_ai_message, to_messages
from ragthrift import InputError, Tool
from ragthrift.batch import BatchRequest, BatchResult, BatchRunner, Job, Progress
from ragthrift.batch.runner import OnProgress
from ragthrift.ledger import UNTAGGED

Inputs = Sequence[LanguageModelInput] | Mapping[str, LanguageModelInput]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchChat:
    """A chat model for those who can wait: `submit` many prompts, take messages by their ids.

    It is no Runnable, since a Runnable answers while its caller waits. `prompt.batch(inputs)` gives
    what it takes, and `parser.batch(messages)` reads what it gives.
    """

    runner: BatchRunner
    max_tokens: int | None = None
    temperature: float | None = None
    stop: Sequence[str] = ()
    request_type: str = UNTAGGED
    """Under which its calls stand in the runner's ledger."""
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    schema: dict[str, Any] | type | None = field(default=None, repr=False)

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None = None,
    ) -> "BatchChat":
        """The same with tools that an answer may ask to be run."""
        return replace(self, tools=tuple(map(to_tool, tools)), tool_choice=to_choice(tool_choice))

    def with_structured_output(self, schema: dict[str, Any] | type) -> "BatchChat":
        """The same with answers by a schema: see `BatchedMessages.parsed`."""
        return replace(self, schema=schema)

    def submit(self, inputs: Inputs, *, job: str | None = None) -> "BatchedMessages":
        """Keep the prompts, then send them; without ids, those of a list are "0", "1", ...

        The same inputs give the same job, so that a program that died may just run again; to ask
        the same again, give the `job` another name.
        """
        named = inputs if isinstance(inputs, Mapping) else dict(_numbered(inputs))
        requests = [
            BatchRequest(
                id=name,
                messages=to_messages(_messages(given)),
                max_tokens=self.max_tokens,
                temperature=self.temperature,
                stop=tuple(self.stop),
                tools=tuple(self.tools),
                tool_choice=self.tool_choice,
                schema=None if self.schema is None else _followed(self.schema),
                request_type=self.request_type,
            )
            for name, given in named.items()
        ]
        return BatchedMessages(self.runner.submit(requests, job=job), self.schema)

    def job(self, name: str) -> "BatchedMessages":
        """A job that was submitted before, perhaps by another process."""
        return BatchedMessages(self.runner.job(name), self.schema)


class BatchedMessages:
    """A job whose answers are messages."""

    def __init__(self, job: Job, schema: dict[str, Any] | type | None = None) -> None:
        self.job, self._schema = job, schema

    @property
    def id(self) -> str:
        """The job's name."""
        return self.job.id

    def poll(self) -> Progress:
        """Take each step that can be taken now; never waits."""
        return self.job.poll()

    def wait(self, timeout: float | None = None, on_progress: OnProgress | None = None) -> Progress:
        """Poll until the job is done, or for `timeout` seconds."""
        return self.job.wait(timeout, on_progress)

    def cancel(self) -> Progress:
        """Ask for the end; what is answered by then is kept."""
        return self.job.cancel()

    def results(self) -> dict[str, AIMessage]:
        """The answers that are there, by id, with their usage."""
        return {name: self._message(result) for name, result in self._answered().items()}

    def parsed(self) -> dict[str, Any]:
        """The answers that fit the schema, by id: objects of its class, or dictionaries."""
        return {name: read for name, (read, error) in self._parsed().items() if not error}

    def errors(self) -> dict[str, str]:
        """Why there is no answer, or none that fits the schema, by id."""
        failed = {name: one.error for name, one in self.job.results().items() if not one.completion}
        if self._schema is None:
            return failed
        return failed | {name: error for name, (_, error) in self._parsed().items() if error}

    def _answered(self) -> dict[str, BatchResult]:
        return {name: one for name, one in self.job.results().items() if one.completion}

    def _message(self, result: BatchResult) -> AIMessage:
        assert result.completion is not None  # noqa: S101 - of answered ones
        message = to_ai_message(result.completion)
        told = {"model_provider": self.job.provider.name, "id": result.id}
        message.response_metadata |= {name: value for name, value in told.items() if value}
        return message

    def _parsed(self) -> dict[str, tuple[Any, str]]:
        if self._schema is None:
            raise InputError("this job has no schema; submit by with_structured_output(schema)")
        parser = _parser(self._schema)
        return {name: _read(parser, message) for name, message in self.results().items()}


def _numbered(inputs: Sequence[LanguageModelInput]) -> list[tuple[str, LanguageModelInput]]:
    if isinstance(inputs, str):
        raise InputError("submit takes a list of prompts, or a dictionary of them by id")
    return [(str(number), given) for number, given in enumerate(inputs)]


def _messages(given: LanguageModelInput) -> list[BaseMessage]:
    if isinstance(given, str):
        return StringPromptValue(text=given).to_messages()
    return given.to_messages() if isinstance(given, PromptValue) else convert_to_messages(given)


def _followed(schema: dict[str, Any] | type) -> dict[str, Any]:
    """Closed, with each property required, as both providers want it."""
    return convert_to_json_schema(schema, strict=True)


def _parser(schema: dict[str, Any] | type) -> Runnable[AIMessage, Any]:
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return PydanticOutputParser[Any](pydantic_object=schema)
    return JsonOutputParser()


def _read(parser: Runnable[AIMessage, Any], message: AIMessage) -> tuple[Any, str]:
    try:
        return parser.invoke(message), ""
    except OutputParserException as error:
        return None, f"the answer does not fit the schema: {error}"
