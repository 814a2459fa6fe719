import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, cast

from ragthrift import Completion, ContextOverflowError, Message, Usage
from ragthrift.protocols import LLM
from ragthrift.testing import ScriptedLLM
from ragthrift.types import FinishReason
from tests.core.broken.rules import BrokenParts

ANSWER = "There is lentil soup with bread. The canteen opens at nine."
well = ScriptedLLM(ANSWER).complete


class Complete(Protocol):
    def __call__(
        self, messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
    ) -> Completion: ...


class FunctionLLM:
    def __init__(self, function: Complete) -> None:
        self._function = function

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        return self._function(messages, max_tokens=max_tokens, stop=stop)


BROKEN: BrokenParts[LLM, Complete] = BrokenParts(FunctionLLM)


def after(change: Callable[[Completion], Completion]) -> Complete:
    """A model whose answers are changed on their way out."""

    def complete(
        messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
    ) -> Completion:
        return change(well(messages, max_tokens=max_tokens, stop=stop))

    complete.__name__ = change.__name__
    return complete


def breaking_after(
    rule: str,
) -> Callable[[Callable[[Completion], Completion]], Callable[[Completion], Completion]]:
    def file(change: Callable[[Completion], Completion]) -> Callable[[Completion], Completion]:
        BROKEN.breaking(rule)(after(change))
        return change

    return file


@breaking_after("test_an_answer_has_a_text_and_names_its_model")
def returns_a_str(answer: Completion) -> Completion:
    return cast(Completion, answer.text)


@breaking_after("test_an_answer_has_a_text_and_names_its_model")
def says_nothing(answer: Completion) -> Completion:
    return replace(answer, text=" ")


@breaking_after("test_an_answer_has_a_text_and_names_its_model")
def has_no_name(answer: Completion) -> Completion:
    return replace(answer, model="")


@breaking_after("test_usage_is_positive")
def does_not_count(answer: Completion) -> Completion:
    return replace(answer, usage=Usage())


@breaking_after("test_usage_is_positive")
def counts_no_output(answer: Completion) -> Completion:
    return replace(answer, usage=Usage(answer.usage.input_tokens))


@breaking_after("test_usage_grows_with_the_messages")
def counts_only_fresh_tokens(answer: Completion) -> Completion:
    return replace(answer, usage=Usage(5, answer.usage.output_tokens))


@BROKEN.breaking("test_max_tokens_is_respected")
def ignores_max_tokens(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    return well(messages, stop=stop)


@breaking_after("test_an_answer_cut_by_max_tokens_says_so")
def always_says_stop(answer: Completion) -> Completion:
    return replace(answer, finish_reason="stop")


@BROKEN.breaking("test_stop_strings_are_not_in_the_answer")
def ignores_stop(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    return well(messages, max_tokens=max_tokens)


@BROKEN.breaking("test_stop_strings_are_not_in_the_answer")
def leaves_the_stop_string_in(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    answer = well(messages, max_tokens=max_tokens, stop=stop)
    found = next((end for end in stop if end in ANSWER), "")
    return replace(answer, text=answer.text + found)


@BROKEN.breaking("test_an_answer_is_whole_up_to_its_stop_string")
def drops_the_sentence_that_is_stopped(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    answer = well(messages, max_tokens=max_tokens, stop=stop)
    return replace(answer, text=answer.text.rpartition(".")[0])


@BROKEN.breaking("test_an_answer_is_whole_up_to_its_stop_string")
def honours_only_the_first_stop_string(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    return well(messages, max_tokens=max_tokens, stop=stop[:1])


@breaking_after("test_finish_reason_is_a_known_one")
def says_end_turn(answer: Completion) -> Completion:
    return replace(answer, finish_reason=cast(FinishReason, "end_turn"))


class CountsItsAnswers:
    def __init__(self) -> None:
        self._count = itertools.count()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        answer = well(messages, max_tokens=max_tokens, stop=stop)
        return replace(answer, text=f"{answer.text} ({next(self._count)})")


BROKEN.file("test_same_messages_same_answer", CountsItsAnswers)


@BROKEN.breaking("test_inputs_are_not_mutated")
def appends_its_answer(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    answer = well(messages, max_tokens=max_tokens, stop=stop)
    if isinstance(messages, list):
        messages.append(Message("assistant", answer.text))
    return answer


@BROKEN.breaking("test_inputs_are_not_mutated")
def appends_its_own_stop_string(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    if isinstance(stop, list):
        stop.append("</s>")
    return well(messages, max_tokens=max_tokens, stop=stop)


@BROKEN.breaking("test_a_tuple_of_messages_is_answered")
def copies_a_list(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    return well(cast(list[Message], messages).copy(), max_tokens=max_tokens, stop=stop)


@BROKEN.breaking("test_odd_texts_are_answered")
def encodes_texts(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    plain = [replace(m, content=m.content.encode().decode()) for m in messages]
    return well(plain, max_tokens=max_tokens, stop=stop)


@BROKEN.breaking("test_odd_texts_are_answered")
def overflows_early(
    messages: Sequence[Message], *, max_tokens: int | None, stop: Sequence[str]
) -> Completion:
    if not messages[-1].content:
        raise ContextOverflowError(1, 0)
    return well(messages, max_tokens=max_tokens, stop=stop)


class KeepsMessagesBetweenSteps:
    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
    ) -> Completion:
        self._messages = messages
        time.sleep(0.005)
        return well(self._messages, max_tokens=max_tokens, stop=stop)


BROKEN.file("test_threads_get_answers", KeepsMessagesBetweenSteps)
