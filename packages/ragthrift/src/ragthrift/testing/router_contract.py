"""What every router promises."""

import math
from collections.abc import Sequence
from copy import deepcopy

from ragthrift.protocols import Router
from ragthrift.testing.checks import from_threads, no_error
from ragthrift.testing.samples import ODD_TEXTS, PASSAGES
from ragthrift.types import Decision, Message, Price, Tier

TIERS = (
    Tier("cheap", "small-model", Price(0.1, 0.4)),
    Tier("middle", "model"),
    Tier("strong", "large", Price(3.0, 15.0)),
)

CONVERSATIONS = (
    (Message("user", "When does the canteen open?"),),
    (
        Message("system", "You help the guests of a canteen."),
        Message("user", "Good morning!"),
        Message("assistant", "Good morning, what can I do for you?"),
        Message(
            "user",
            "Compare the prices of this week with those of the last, say which dishes became "
            "dearer and by how much, and prove that the average rose by less than two percent.",
        ),
    ),
    (Message("system", "You help the guests of a canteen."),),
)


class RouterContract:
    """Subclass it under a name that pytest collects, and say in `make` how to make yours.

    Build your router on `self.tiers`; if its tiers are fixed, set `tiers` to them.

    >>> class TestMine(RouterContract):
    ...     def make(self) -> Router:
    ...         return MyRouter(self.tiers)
    """

    tiers: Sequence[Tier] = TIERS
    """What the router may choose from, cheap to strong."""
    conversations: Sequence[Sequence[Message]] = CONVERSATIONS

    def make(self) -> Router:
        """Make the router to test; called by every test."""
        raise NotImplementedError("return the router to test from make()")

    def _decisions(self) -> list[Decision]:
        return [self.make().route(list(messages), PASSAGES) for messages in self.conversations]

    def test_the_tier_is_one_of_those_offered(self) -> None:
        """A model that nobody offered may be one that nobody can pay."""
        for decision in self._decisions():
            assert isinstance(decision, Decision), f"{type(decision).__name__} is not a Decision"
            assert decision.tier in self.tiers, f"{decision.tier} is none of {self.tiers}"

    def test_every_decision_has_a_reason(self) -> None:
        """In words: people read it in logs."""
        for decision in self._decisions():
            reason = decision.reason
            assert isinstance(reason, str), f"the reason is a {type(reason).__name__}"
            assert reason.strip(), f"{decision.tier.name} was chosen without a reason"

    def test_scores_are_named_finite_floats(self) -> None:
        """They go into logs and reports."""
        for decision in self._decisions():
            for name, score in decision.scores:
                assert isinstance(name, str), f"{name!r} names no score"
                assert name, f"the score {score} has no name"
                assert type(score) is float, f"{name} is a {type(score).__name__}, not a float"
                assert math.isfinite(score), f"{name} is {score}"

    def test_no_messages_are_no_error(self) -> None:
        """Something must still be called, or nothing at all: both need a tier."""
        with no_error("routing no messages"):
            decision = self.make().route([])
        assert decision.tier in self.tiers, f"{decision.tier} is none of {self.tiers}"

    def test_passages_may_be_left_out(self) -> None:
        """Not every conversation retrieves."""
        for messages in self.conversations:
            with no_error("routing without passages"):
                self.make().route(list(messages))

    def test_same_messages_same_tier(self) -> None:
        """A bill that depends on the day cannot be explained."""
        router = self.make()
        for messages in self.conversations:
            names = {router.route(list(messages), PASSAGES).tier.name for _ in range(8)}
            assert len(names) == 1, f"one conversation went to {sorted(names)}"

    def test_inputs_are_not_mutated(self) -> None:
        """The caller sends the same messages to the model."""
        messages = [deepcopy(message) for message in self.conversations[-1]]
        passages = [deepcopy(passage) for passage in PASSAGES]
        before = deepcopy((messages, passages))
        self.make().route(messages, passages)
        assert messages == before[0], "the caller's messages were changed"
        assert passages == before[1], "the caller's passages were changed"

    def test_tuples_are_routed_like_lists(self) -> None:
        """Any sequence will do."""
        for messages, decision in zip(self.conversations, self._decisions(), strict=True):
            with no_error("routing tuples"):
                other = self.make().route(tuple(messages), tuple(PASSAGES))
            assert other.tier == decision.tier, "a tuple of messages went to another tier"

    def test_odd_texts_are_routed(self) -> None:
        """People paste anything into a chat."""
        router = self.make()
        for name, text in ODD_TEXTS.items():
            with no_error(f"routing {name}"):
                decision = router.route([Message("user", text)])
            assert decision.tier in self.tiers, f"{name} went to {decision.tier}"

    def test_threads_get_their_own_decisions(self) -> None:
        """One router serves many requests at once."""
        router = self.make()
        asked = [list(messages) for messages in self.conversations] * 3
        alone = [router.route(messages).tier for messages in asked]
        together = from_threads(lambda messages: router.route(messages).tier, asked)
        assert together == alone * 3, "another tier was chosen from several threads"
