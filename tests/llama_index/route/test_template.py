"""Prompts of LlamaIndex's templates: the question is weighed apart from what stands around it."""

from typing import Any

import pytest
from llama_index.core import PromptTemplate
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts.default_prompt_selectors import DEFAULT_TEXT_QA_PROMPT_SEL

from llama_index_ragthrift import CachedLLM
from tests.llama_index.caches import a_cache
from tests.llama_index.route.fakes import ASKED, Setting, collected
from tests.llama_index.route.llms import ANSWER, Scripted


@pytest.mark.parametrize("how", ["predict", "apredict", "stream", "astream"])
@pytest.mark.parametrize("chats", [True, False])
async def test_a_template_is_weighed_by_its_question(how: str, chats: bool) -> None:
    setting = Setting(Scripted(chats=chats), Scripted(chats=chats))
    prompt = DEFAULT_TEXT_QA_PROMPT_SEL.partial_format(query_str=ASKED)
    said = getattr(setting.llm, how)(prompt, context_str="The canteen opens at nine.")
    said = await said if how.startswith("a") else said
    said = said if isinstance(said, str) else "".join(await collected(said))
    assert said == ANSWER
    [question] = setting.model.asks
    assert question.question == ASKED
    assert [passage.text for passage in question.passages] == ["The canteen opens at nine."]
    sent = str(setting.cheap.asked[0][1][-1].content)
    assert "Context information is below" in sent
    assert ASKED in sent


def test_a_template_without_a_question_is_weighed_as_it_is() -> None:
    setting = Setting()
    setting.llm.predict(PromptTemplate("Say hello to {name}."), name="Ann")
    assert setting.model.asks[0].question == "Say hello to Ann."
    setting.llm.chat([ChatMessage(ASKED)])
    assert setting.model.asks[1].question == ASKED


def test_each_llm_formats_what_is_made_of_a_template() -> None:
    setting = Setting(Scripted(chats=False), Scripted(chats=False))
    setting.llm.predict(PromptTemplate("{query_str}"), query_str=ASKED)
    setting.llm.complete(ASKED, formatted=True)
    assert [options["formatted"] for _, _, options in setting.cheap.asked] == [False, True]


async def test_a_system_prompt_is_that_of_the_router() -> None:
    setting = Setting(system_prompt="Be brief.")
    setting.llm.predict(PromptTemplate("{query_str}"), query_str=ASKED)
    turns = setting.cheap.asked[0][1]
    assert [turn.content for turn in turns] == ["Be brief.", ASKED]


@pytest.mark.parametrize("how", ["predict", "apredict", "stream", "astream"])
async def test_a_cache_may_stand_before_the_router(how: str) -> None:
    setting = Setting()
    cached = CachedLLM(setting.llm, a_cache(), scope={"tenant": "acme"})
    prompt = DEFAULT_TEXT_QA_PROMPT_SEL.partial_format(query_str=ASKED)
    for _ in range(2):
        said: Any = getattr(cached, how)(prompt, context_str="The canteen opens at nine.")
        said = await said if how.startswith("a") else said
        assert (said if isinstance(said, str) else "".join(await collected(said))) == ANSWER
    assert len(setting.runs) == 1
