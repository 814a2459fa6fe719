"""The router as a decision model: it chooses for LangChain's own `ModelRouterMiddleware`."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import ConfigDict
from typing_extensions import override

from langchain_ragthrift.convert import PROVIDER
from langchain_ragthrift.route.calls import conversation_of, modalities, to_turns
from langchain_ragthrift.route.passages import retrieved
from ragthrift import Decision, InputError, MissingExtraError
from ragthrift.route import Call, Router

try:
    from langchain_core.decisions import (
        BaseDecisionModel,
        Choice,
        ChoiceAnswer,
        ClassifierResponse,
        Question,
        State,
    )
except ImportError as error:
    raise MissingExtraError(
        "RouterDecisions needs langchain-core with decision models; "
        'run: pip install "langchain-core>=1.8"',
        name=error.name,
    ) from error


class RouterDecisions(BaseDecisionModel):
    """Answers which tier a task should go to.

    The choices must be named as the router's tiers; what is written as their criteria is not read.
    `confidence` is the quality that the router expects of its choice, and `probabilities` are those
    with which it chooses. It asks no model and costs nothing.

    >>> from ragthrift import Tier
    >>> decisions = RouterDecisions(router=Router([Tier("cheap", "m"), Tier("strong", "l")]))
    >>> ask = Choice(instructions="Who?", criteria={"cheap": "Easy.", "strong": "Hard."})
    >>> asked = {"state": "When does the canteen open?", "questions": {"who": ask}}
    >>> decisions.invoke(asked).choices["who"].choice in ("cheap", "strong")
    True
    """

    model: str = f"{PROVIDER}-router"
    router: Router

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    @override
    def _provider(self) -> str:
        return PROVIDER

    @override
    def _classify(self, state: State, questions: dict[str, Question]) -> ClassifierResponse:
        messages = _messages(state)
        call = Call(
            to_turns(messages),
            retrieved() or (),
            modalities=modalities(messages),
            conversation=conversation_of({}, messages),
        )
        decision = self.router.choose(call)
        answers = {name: self._answer(one, decision) for name, one in questions.items()}
        return ClassifierResponse(model=self.model, answers=dict(answers))

    def _answer(self, question: Question, decision: Decision) -> ChoiceAnswer:
        if not isinstance(question, Choice):
            raise InputError(
                f"a router chooses between tiers and answers no {type(question).__name__}; ask "
                "another decision model"
            )
        labels = list(question.criteria)
        known = [tier.name for tier in self.router.tiers]
        if strange := sorted(set(labels) - set(known)):
            raise InputError(f"the choices {strange} are no tiers of the router: it has {known}")
        chosen = _chosen(decision, labels)
        return ChoiceAnswer(
            type="choice",
            choice=chosen,
            probabilities=_probabilities(decision, chosen, labels),
            confidence=dict(decision.qualities).get(chosen, 0.0),
        )


def _chosen(decision: Decision, labels: Sequence[str]) -> str:
    """The tier, or the best of those on offer."""
    if decision.tier.name in labels:
        return decision.tier.name
    worth = dict(decision.scores)
    return max(labels, key=lambda label: worth.get(label, float("-inf")))


def _probabilities(decision: Decision, chosen: str, labels: Sequence[str]) -> dict[str, float]:
    likely = decision.propensity if len(labels) > 1 else 1.0
    rest = (1 - likely) / max(len(labels) - 1, 1)
    return {label: likely if label == chosen else rest for label in labels}


def _messages(state: Any) -> list[BaseMessage]:
    if isinstance(state, str):
        return [HumanMessage(state)]
    if isinstance(state, BaseMessage):
        return [state]
    found = state.get("messages") if isinstance(state, Mapping) else state
    if isinstance(found, Sequence) and all(isinstance(one, BaseMessage) for one in found):
        return list(found)
    raise InputError("a router decides on a text, a message, or messages; give one of them")
