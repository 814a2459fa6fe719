"""A language model that says what it is told to."""

import threading
from collections.abc import Callable, Sequence

from ragthrift.errors import InputError
from ragthrift.tokens import EstimatedTokens
from ragthrift.types import Completion, FinishReason, Message
from ragthrift.usage import Usage

Answer = str | Completion | Exception
Answers = str | Sequence[Answer] | Callable[[Sequence[Message]], Answer]

_CHARS_PER_TOKEN = 4


class ScriptedLLM:
    """Answers from a script and counts its usage by `EstimatedTokens`.

    `answers` is one text for every call, a list that is answered in turn, or a function of the
    messages. An exception among them is raised; a `Completion` is returned as it stands. `calls`
    holds the messages of every call. Safe for threads.

    >>> from ragthrift import Message
    >>> llm = ScriptedLLM(["At nine.", TimeoutError("too slow")])
    >>> llm.complete([Message("user", "When does the canteen open?")])
    ... # doctest: +NORMALIZE_WHITESPACE
    Completion(text='At nine.', usage=Usage(input_tokens=7, output_tokens=2, cache_read_tokens=0,
    cache_write_tokens=0), model='scripted', finish_reason='stop', tool_calls=())
    >>> len(llm.calls)
    1
    """

    def __init__(self, answers: Answers, *, model: str = "scripted") -> None:
        self._answers = answers
        self._model = model
        self._counter = EstimatedTokens(_CHARS_PER_TOKEN)
        self._lock = threading.Lock()
        self.calls: list[tuple[Message, ...]] = []

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        """Give the next answer, cut at the first stop string and then to `max_tokens`."""
        answer = self._next(tuple(messages))
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Completion):
            return answer
        text, finish_reason = _cut(answer, max_tokens, stop)
        usage = Usage(self._count(messages), self._counter.count(text))
        return Completion(text, usage, self._model, finish_reason)

    def _next(self, messages: tuple[Message, ...]) -> Answer:
        with self._lock:
            self.calls.append(messages)
            turn = len(self.calls)
        if isinstance(self._answers, str):
            return self._answers
        if callable(self._answers):
            return self._answers(messages)
        if turn > len(self._answers):
            raise InputError(
                f"ScriptedLLM was asked {turn} times and has {len(self._answers)} answers; "
                "give it more, or a function of the messages"
            )
        return self._answers[turn - 1]

    def _count(self, messages: Sequence[Message]) -> int:
        calls = [call for message in messages for call in message.tool_calls]
        texts = [message.content for message in messages] + [call.arguments for call in calls]
        return sum(self._counter.count(text) for text in texts)


def _cut(text: str, max_tokens: int | None, stop: Sequence[str]) -> tuple[str, FinishReason]:
    text = text[: min((text.index(end) for end in stop if end in text), default=None)]
    if max_tokens is None or len(text) <= max_tokens * _CHARS_PER_TOKEN:
        return text, "stop"
    return text[: max_tokens * _CHARS_PER_TOKEN], "length"
