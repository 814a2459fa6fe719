import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from ragthrift import Decision, Message, Passage, Tier
from ragthrift.protocols import Router
from ragthrift.testing import QuestionLengthRouter, RouterContract
from tests.core.broken.rules import BrokenParts

Route = Callable[[Sequence[Message], Sequence[Passage]], Decision]
TIERS = RouterContract.tiers


class FunctionRouter:
    def __init__(self, function: Route) -> None:
        self._function = function

    def route(self, messages: Sequence[Message], passages: Sequence[Passage] = ()) -> Decision:
        return self._function(messages, passages)


BROKEN: BrokenParts[Router, Route] = BrokenParts(FunctionRouter)
well = QuestionLengthRouter(TIERS).route


@BROKEN.breaking("test_the_tier_is_one_of_those_offered")
def chooses_what_nobody_offered(
    messages: Sequence[Message], passages: Sequence[Passage]
) -> Decision:
    return replace(well(messages), tier=Tier("dear", "largest"))


@BROKEN.breaking("test_the_tier_is_one_of_those_offered")
def returns_the_tier_alone(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return cast(Decision, well(messages).tier)


@BROKEN.breaking("test_every_decision_has_a_reason")
def gives_no_reason(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return replace(well(messages), reason=" ")


@BROKEN.breaking("test_every_decision_has_a_reason")
def gives_a_number_as_reason(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return replace(well(messages), reason=cast(str, 0.7))


@BROKEN.breaking("test_scores_are_named_finite_floats")
def scores_nan(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return replace(well(messages), scores=(("difficulty", float("nan")),))


@BROKEN.breaking("test_scores_are_named_finite_floats")
def scores_numpy_numbers(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return replace(well(messages), scores=(("difficulty", np.float64(0.5)),))


@BROKEN.breaking("test_scores_are_named_finite_floats")
def names_no_score(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return replace(well(messages), scores=(("", 0.5),))


@BROKEN.breaking("test_no_messages_are_no_error")
def looks_at_the_last(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return well(messages[-1:] if messages[-1].content else messages)


@BROKEN.breaking("test_passages_may_be_left_out")
def looks_at_the_best_passage(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return replace(well(messages), reason=f"the best passage is {passages[0].id}")


calls = itertools.count()


@BROKEN.breaking("test_same_messages_same_tier")
def takes_turns(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return replace(well(messages), tier=TIERS[next(calls) % len(TIERS)])


@BROKEN.breaking("test_inputs_are_not_mutated")
def adds_a_system_message(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    if isinstance(messages, list):
        messages.insert(0, Message("system", "Be brief."))
    return well(messages)


@BROKEN.breaking("test_inputs_are_not_mutated")
def drops_passages(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    if isinstance(passages, list):
        del passages[1:]
    return well(messages)


@BROKEN.breaking("test_tuples_are_routed_like_lists")
def copies_a_list(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return well(cast(list[Message], messages).copy())


@BROKEN.breaking("test_tuples_are_routed_like_lists")
def routes_only_lists(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return well(messages if isinstance(messages, list) else [])


@BROKEN.breaking("test_odd_texts_are_routed")
def encodes_texts(messages: Sequence[Message], passages: Sequence[Passage]) -> Decision:
    return well([replace(m, content=m.content.encode().decode()) for m in messages])


class KeepsMessagesBetweenSteps:
    def route(self, messages: Sequence[Message], passages: Sequence[Passage] = ()) -> Decision:
        self._messages = messages
        time.sleep(0.005)
        return well(self._messages)


BROKEN.file("test_threads_get_their_own_decisions", KeepsMessagesBetweenSteps)
