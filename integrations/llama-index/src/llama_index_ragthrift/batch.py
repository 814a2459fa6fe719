"""Conversations of LlamaIndex through a provider's batches, at half the price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.bridge.pydantic import BaseModel, ValidationError
from llama_index.core.tools import BaseTool

from llama_index_ragthrift.calling import to_tools
from llama_index_ragthrift.messages import to_chat_response, to_messages
from ragthrift import InputError, Tool
from ragthrift.batch import BatchRequest, BatchRunner, Job, Progress
from ragthrift.batch.runner import OnProgress
from ragthrift.ledger import UNTAGGED

Conversation = str | Sequence[ChatMessage]
Conversations = Sequence[Conversation] | Mapping[str, Conversation]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchChat:
    """Chat for those who can wait: `submit` many conversations, take responses by their ids.

    `template.format_messages(...)` gives what it takes. It is no LLM, since an LLM answers while
    its caller waits.
    """

    runner: BatchRunner
    max_tokens: int | None = None
    temperature: float | None = None
    stop: Sequence[str] = ()
    request_type: str = UNTAGGED
    """Under which its calls stand in the runner's ledger."""
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    output_cls: type[BaseModel] | None = field(default=None, repr=False)

    def with_tools(self, tools: Sequence[BaseTool], *, tool_required: bool = False) -> "BatchChat":
        """The same with tools that an answer may, or must, ask to be run."""
        choice = "required" if tool_required else "auto"
        return replace(self, tools=tuple(to_tools(tools)), tool_choice=choice)

    def as_structured(self, output_cls: type[BaseModel]) -> "BatchChat":
        """The same with answers that are objects of a class: see `BatchedResponses.parsed`."""
        return replace(self, output_cls=output_cls)

    def submit(self, conversations: Conversations, *, job: str | None = None) -> "BatchedResponses":
        """Keep the conversations, then send them; those of a list have the ids "0", "1", ...

        The same conversations give the same job, so that a program that died may just run again;
        to ask the same again, give the `job` another name.
        """
        if isinstance(conversations, str):
            raise InputError("submit takes a list of conversations, or a dictionary of them by id")
        if not isinstance(conversations, Mapping):
            conversations = {str(n): given for n, given in enumerate(conversations)}
        wanted = self.output_cls
        schema = None if wanted is None else _closed(wanted.model_json_schema())
        requests = [
            BatchRequest(
                id=name,
                messages=to_messages([ChatMessage(said)] if isinstance(said, str) else said),
                max_tokens=self.max_tokens,
                temperature=self.temperature,
                stop=tuple(self.stop),
                tools=tuple(self.tools),
                tool_choice=self.tool_choice,
                schema=schema,
                request_type=self.request_type,
            )
            for name, said in conversations.items()
        ]
        return BatchedResponses(self.runner.submit(requests, job=job), self.output_cls)

    def job(self, name: str) -> "BatchedResponses":
        """A job that was submitted before, perhaps by another process."""
        return BatchedResponses(self.runner.job(name), self.output_cls)


class BatchedResponses:
    """A job whose answers are chat responses."""

    def __init__(self, job: Job, output_cls: type[BaseModel] | None = None) -> None:
        self.job, self._output_cls = job, output_cls

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

    def results(self) -> dict[str, ChatResponse]:
        """The answers that are there, by id, with their usage in `raw`."""
        return {
            name: to_chat_response(result.completion)
            for name, result in self.job.results().items()
            if result.completion is not None
        }

    def parsed(self) -> dict[str, BaseModel]:
        """The answers that fit the class, by id."""
        return {n: read for n, read in self._parsed().items() if isinstance(read, BaseModel)}

    def errors(self) -> dict[str, str]:
        """Why there is no answer, or none that fits the class, by id."""
        failed = {name: one.error for name, one in self.job.results().items() if not one.completion}
        if self._output_cls is None:
            return failed
        return failed | {n: read for n, read in self._parsed().items() if isinstance(read, str)}

    def _parsed(self) -> dict[str, BaseModel | str]:
        if self._output_cls is None:
            raise InputError("this job has no class; submit by chat.as_structured(output_cls)")
        return {
            name: _read(self._output_cls, response.message.content or "")
            for name, response in self.results().items()
        }


def _read(output_cls: type[BaseModel], text: str) -> BaseModel | str:
    try:
        return output_cls.model_validate_json(text)
    except ValidationError as error:
        return f"the answer does not fit {output_cls.__name__}: {error}"


def _closed(schema: dict[str, object]) -> dict[str, object]:
    """With objects closed and their properties required, as both providers want it."""
    closed = {name: _inside(name, part) for name, part in schema.items() if name != "default"}
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict):
        return closed
    return {**closed, "additionalProperties": False, "required": list(properties)}


def _inside(name: str, part: object) -> object:
    if isinstance(part, list):
        return [_closed(one) if isinstance(one, dict) else one for one in part]
    if not isinstance(part, dict):
        return part
    if name in ("properties", "$defs"):
        return {key: _inside("", one) for key, one in part.items()}
    return _closed(part)
