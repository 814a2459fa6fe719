"""An answer that a library in this process writes token by token."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from ragthrift.errors import ModelError
from ragthrift.local.constraint import checked_answer
from ragthrift.local.sampling import Request
from ragthrift.local.stop_texts import StopTexts
from ragthrift.local.tool_text import forced_call, possible_call, write_tools
from ragthrift.local.written_request import must_call, offered
from ragthrift.types import Completion, FinishReason, Message, TokenLogprob
from ragthrift.usage import Usage


@dataclass(frozen=True, slots=True)
class Step:
    """What one token brought."""

    piece: str
    """May be empty: a character can take several tokens."""
    logprob: TokenLogprob | None = None
    is_end: bool = False
    """The model ended its answer by this token."""


@dataclass(slots=True)
class PromptTokens:
    """How long the prompt is, and how much of it needed no work; known when the first step is."""

    total: int
    cached: int = 0


def read_steps(
    steps: Generator[Step, None, None],
    request: Request,
    prompt: PromptTokens,
    model: str,
    most: int,
) -> Generator[str, None, Completion]:
    """Yield the pieces of text that are not empty; return them with all the rest.

    Steps that end before `most` tokens, without an end of the model's own, are a broken answer.

    >>> steps = (Step(piece) for piece in ("So", "up", " END", "!"))
    >>> list(read_steps(steps, Request(messages=(Message("user", "?"),), stop=("END",)),
    ...                 PromptTokens(3), "tiny", 9))
    ['So', 'up', ' ']
    """
    text, shown, logprobs, written = StopTexts(request.stop), "", [], 0
    reason: FinishReason | None = None
    with closing(steps):
        for step in steps:
            written += 1
            if step.logprob is not None:
                logprobs.append(step.logprob)
            if piece := text.add(step.piece):
                shown += piece
                yield piece
            if step.is_end or text.met:
                reason = "stop"
                break
    if reason is None and written < most:
        raise ModelError(f"{model} broke off its answer")
    if piece := text.rest():
        shown += piece
        yield piece
    usage = Usage(prompt.total, written, cache_read_tokens=prompt.cached)
    return Completion(shown, usage, model, reason or "length", (), tuple(logprobs))


def written_messages(request: Request) -> Sequence[Message]:
    """The messages, with tools, calls and their results as plain text."""
    tools = offered(request)
    if tools or any(turn.role == "tool" or turn.tool_calls for turn in request.messages):
        return write_tools(request.messages, tools, must_call=must_call(request))
    return request.messages


def shaped(
    answer: Generator[str, None, Completion], request: Request
) -> Generator[str, None, Completion]:
    """The answer as the request wants it: a call, or checked against its schema."""
    if must_call(request):
        return forced_call(answer, offered(request))
    if offered(request):
        return possible_call(answer, offered(request))
    if request.schema is not None:
        return checked_answer(answer, request.schema)
    return answer
