"""The router's policy in LangChain's own routing middleware."""

import subprocess
import sys
import warnings
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage

from langchain_ragthrift import tiers_of
from ragthrift.route import Router
from tests.langchain.route.fakes import EASY, HARD, PRICES, pair

decisions = pytest.importorskip(
    "langchain_core.decisions", reason="decision models came with langchain-core 1.8"
)
both = pytest.mark.parametrize("how", ["sync", "async"])


class Knows:
    """Expects the strong tier to be needed where there is code."""

    def expected(self, ask: Any, tiers: Any) -> tuple[float, ...]:
        return tuple(
            1.0 if name == "strong" or "```" not in ask.question else 0.0 for name in tiers
        )

    def fit(self, outcomes: Any) -> "Knows":
        return self


def policy() -> Any:
    from langchain_ragthrift import RouterDecisions

    return RouterDecisions(router=Router(tiers_of(pair(), PRICES), model=Knows()))


def asking(*labels: str) -> dict[str, Any]:
    choice = decisions.Choice(instructions="Who?", criteria=dict.fromkeys(labels, "Some tasks."))
    return {"who": choice}


@both
async def test_langchain_s_middleware_follows_the_policy(how: str) -> None:
    from langchain.agents.middleware import ModelChoice, ModelRouterMiddleware

    models = pair()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        middleware: Any = ModelRouterMiddleware(
            choices={name: ModelChoice(model, "Some tasks.") for name, model in models.items()},
            instructions="Choose the cheapest that answers well enough.",
            classifier=policy(),
        )
    agent = create_agent(models["strong"], middleware=[middleware])
    for asked, answer in ((EASY, "Nine, cheaply."), (HARD, "Nine, strongly.")):
        state: Any = {"messages": [HumanMessage(asked)]}
        done = await agent.ainvoke(state) if how == "async" else agent.invoke(state)
        assert done["messages"][-1].text == answer


@pytest.mark.parametrize(
    "state",
    [
        HARD,
        HumanMessage(HARD),
        [HumanMessage(EASY), AIMessage("At nine."), HumanMessage(HARD)],
        {"messages": [HumanMessage(HARD)]},
    ],
)
def test_states_of_all_kinds(state: Any) -> None:
    told = policy().invoke({"state": state, "questions": asking("cheap", "strong")})
    answer = told.choices["who"]
    assert (answer.choice, answer.confidence) == ("strong", 1.0)
    assert answer.probabilities == {"cheap": 0.0, "strong": 1.0}
    assert told.usage is None


def test_the_best_of_those_on_offer() -> None:
    asked = {"state": HARD, "questions": asking("cheap")}
    answer = policy().invoke(asked).choices["who"]
    assert (answer.choice, answer.probabilities) == ("cheap", {"cheap": 1.0})


@pytest.mark.parametrize(
    ("state", "questions", "match"),
    [
        (EASY, asking("fast"), r"\['fast'\] are no tiers"),
        (EASY, {"who": decisions.Noul(instructions="Is it hard?")}, "answers no Noul"),
        ({"text": EASY}, asking("cheap"), "decides on a text"),
    ],
)
def test_what_a_router_cannot_answer(state: Any, questions: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        policy().invoke({"state": state, "questions": questions})


def test_older_versions_lack_it_alone() -> None:
    program = """
import sys
sys.modules["langchain_core.decisions"] = None
import langchain_ragthrift
langchain_ragthrift.RouterChatModel
try:
    langchain_ragthrift.RouterDecisions
except ImportError as error:
    print(type(error).__name__, error)
"""
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert told.stdout.startswith("MissingExtraError RouterDecisions needs langchain-core")
