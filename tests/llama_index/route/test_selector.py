"""Query engines selected by the router's policy, without a model."""

from typing import Any

import pytest
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.tools import QueryEngineTool, ToolMetadata

from llama_index_ragthrift import RouterSelector
from ragthrift import InputError
from tests.llama_index.caches import an_index
from tests.llama_index.route.fakes import ASKED, Expects, Setting, prefers
from tests.llama_index.route.llms import Scripted


def tools(**models: Scripted) -> list[QueryEngineTool]:
    return [
        QueryEngineTool.from_defaults(
            an_index().as_query_engine(llm=model), name=name, description=f"The {name} one."
        )
        for name, model in models.items()
    ]


@pytest.mark.parametrize("tier", ["cheap", "strong"])
async def test_a_router_query_engine_asks_the_engine_of_the_chosen_tier(tier: str) -> None:
    setting = Setting(model=prefers(tier))
    cheap, strong = Scripted("cheap says nine"), Scripted("strong says nine")
    engine = RouterQueryEngine(
        RouterSelector(setting.router), tools(strong=strong, cheap=cheap), llm=Scripted()
    )
    for response in (engine.query(ASKED), await engine.aquery(ASKED)):
        assert str(response) == f"{tier} says nine"
        assert "expected quality" in (response.metadata or {})["selector_result"].reason
    assert len(cheap.asked) + len(strong.asked) == 2
    assert {ask.question for ask in setting.model.asks} == {ASKED}
    assert engine.get_prompts()


async def test_choices_may_be_strings() -> None:
    selector = RouterSelector(Setting(model=prefers("strong")).router)
    assert selector.select(["cheap", "strong"], ASKED).ind == 1
    assert (await selector.aselect(["strong", "cheap"], ASKED)).ind == 0


def test_only_what_is_offered_is_selected() -> None:
    model = Expects({"cheap": 0.1, "middle": 0.5, "strong": 0.9})
    setting = Setting(
        tiers=_three(), model=model, others={"middle": Scripted()}, router={"sticky": False}
    )
    selector = RouterSelector(setting.router)
    offered = [
        ToolMetadata(name="handbook", description="Something else."),
        ToolMetadata(name="cheap", description="For small questions."),
        ToolMetadata(name="middle", description="For the others."),
    ]
    assert selector.select(offered, ASKED).ind == 2
    with pytest.raises(InputError, match=r"none of \['handbook'\] is a tier"):
        selector.select(offered[:1], ASKED)


def _three() -> Any:
    from ragthrift import Price, Tier

    return [
        Tier("cheap", "small", Price(0.1, 0.4)),
        Tier("middle", "medium", Price(0.2, 0.8)),
        Tier("strong", "large", Price(0.3, 1.2)),
    ]
