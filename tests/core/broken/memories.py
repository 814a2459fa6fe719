import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from ragthrift import Message
from ragthrift.protocols import Memory
from ragthrift.testing import LastTurnsMemory
from tests.core.broken.rules import BrokenParts

Condense = Callable[[Sequence[Message]], list[Message]]


class FunctionMemory:
    def __init__(self, function: Condense) -> None:
        self._function = function

    def condense(self, messages: Sequence[Message]) -> list[Message]:
        return self._function(messages)


BROKEN: BrokenParts[Memory, Condense] = BrokenParts(FunctionMemory)
well = LastTurnsMemory(turns=1).condense


@BROKEN.breaking("test_nothing_to_condense_gives_an_empty_list")
def looks_at_the_last(messages: Sequence[Message]) -> list[Message]:
    last = messages[-1]
    return [*well(messages)[:-1], last]


@BROKEN.breaking("test_nothing_to_condense_gives_an_empty_list")
def returns_none_for_nothing(messages: Sequence[Message]) -> list[Message]:
    return well(messages) or cast(list[Message], None)


@BROKEN.breaking("test_nothing_to_condense_gives_an_empty_list")
def starts_with_a_system_message(messages: Sequence[Message]) -> list[Message]:
    return well(messages) or [Message("system", "You help.")]


@BROKEN.breaking("test_the_last_message_stays_whole")
def drops_the_last(messages: Sequence[Message]) -> list[Message]:
    return well(messages)[:-1]


@BROKEN.breaking("test_the_last_message_stays_whole")
def drops_calls_of_the_last(messages: Sequence[Message]) -> list[Message]:
    kept = well(messages)
    return [*kept[:-1], replace(kept[-1], tool_calls=())]


@BROKEN.breaking("test_a_long_last_message_stays_whole")
def cuts_long_messages(messages: Sequence[Message]) -> list[Message]:
    return [replace(m, content=m.content[:2_000]) for m in well(messages)]


@BROKEN.breaking("test_the_system_message_stays_first")
def drops_the_system_message(messages: Sequence[Message]) -> list[Message]:
    return [m for m in well(messages) if m.role != "system"] or list(messages)


@BROKEN.breaking("test_the_system_message_stays_first")
def cuts_the_system_message(messages: Sequence[Message]) -> list[Message]:
    kept = well(messages)
    return [replace(kept[0], content=kept[0].content[:10]), *kept[1:]]


@BROKEN.breaking("test_tool_results_keep_their_calls")
def keeps_the_last_three(messages: Sequence[Message]) -> list[Message]:
    return list(messages) if len(messages) < 4 else [messages[0], *messages[-3:]]


@BROKEN.breaking("test_tool_results_keep_their_calls")
def goes_back_one_result_only(messages: Sequence[Message]) -> list[Message]:
    start = max(1, len(messages) - 1)
    if start < len(messages) and messages[start].role == "tool":
        start -= 1
    return [*messages[:1], *messages[start:]]


@BROKEN.breaking("test_tool_results_keep_their_calls")
def puts_results_before_calls(messages: Sequence[Message]) -> list[Message]:
    kept = list(messages)
    for place in range(1, len(kept)):
        if kept[place].role == "tool":
            kept[place - 1], kept[place] = kept[place], kept[place - 1]
    return kept


@BROKEN.breaking("test_tool_calls_keep_their_results")
def drops_long_results(messages: Sequence[Message]) -> list[Message]:
    return [m for m in messages[:-1] if m.role != "tool"] + list(messages[-1:])


@BROKEN.breaking("test_tool_calls_keep_their_results")
def keeps_one_result_of_each_call(messages: Sequence[Message]) -> list[Message]:
    pairs = itertools.pairwise(messages)
    kept = [first for first, second in pairs if (first.role, second.role) != ("tool", "tool")]
    return kept + list(messages[-1:])


@BROKEN.breaking("test_kept_messages_stay_in_order")
def puts_what_users_said_first(messages: Sequence[Message]) -> list[Message]:
    system, rest = list(messages[:1]), messages[1:-1]
    order = sorted(rest, key=lambda m: m.role != "user")
    return [*system, *order, *messages[1:][-1:]]


@BROKEN.breaking("test_the_result_is_not_longer")
def adds_a_summary(messages: Sequence[Message]) -> list[Message]:
    kept = well(messages)
    return [*kept[:-1], Message("system", "Before this, the user said something."), *kept[-1:]]


@BROKEN.breaking("test_the_result_is_not_longer")
def writes_long_summaries(messages: Sequence[Message]) -> list[Message]:
    if len(messages) < 3:
        return list(messages)
    said = " ".join(f"the {m.role} said: {m.content}" for m in messages[1:-1])
    return [messages[0], Message("assistant", f"To sum up, {said}"), messages[-1]]


@BROKEN.breaking("test_inputs_are_not_mutated")
def pops_from_the_callers_list(messages: Sequence[Message]) -> list[Message]:
    kept = well(messages)
    if isinstance(messages, list):
        del messages[: len(messages) - len(kept)]
    return kept


@BROKEN.breaking("test_inputs_are_not_mutated")
def cuts_the_callers_messages(messages: Sequence[Message]) -> list[Message]:
    for message in messages[1:-1]:
        object.__setattr__(message, "content", message.content[:40])
    return list(messages)


@BROKEN.breaking("test_a_tuple_is_condensed_like_a_list")
def copies_a_list(messages: Sequence[Message]) -> list[Message]:
    return well(cast(list[Message], messages).copy())


@BROKEN.breaking("test_a_tuple_is_condensed_like_a_list")
def condenses_only_lists(messages: Sequence[Message]) -> list[Message]:
    return well(messages) if isinstance(messages, list) else list(messages)


calls = itertools.count()


@BROKEN.breaking("test_same_messages_same_result")
def cuts_at_another_place_each_time(messages: Sequence[Message]) -> list[Message]:
    return LastTurnsMemory(turns=1 + next(calls) % 2).condense(messages)


@BROKEN.breaking("test_odd_texts_are_condensed")
def encodes_texts(messages: Sequence[Message]) -> list[Message]:
    return [replace(m, content=m.content.encode().decode()) for m in well(messages)]


@BROKEN.breaking("test_odd_texts_are_condensed")
def takes_the_first_word(messages: Sequence[Message]) -> list[Message]:
    kept = well(messages)
    return kept if all(m.content.split()[0] for m in messages if not m.tool_calls) else []
