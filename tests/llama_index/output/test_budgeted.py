"""A budget in LlamaIndex's query and chat engines."""

import asyncio
from itertools import count
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.bridge.pydantic import BaseModel, PrivateAttr
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool

from llama_index_ragthrift import BudgetedLLM, audit
from ragthrift import InputError
from ragthrift.prompt.output import Allowance, OutputBudget
from tests.llama_index.conftest import Heard
from tests.llama_index.ledger.billing import Kept
from tests.llama_index.route.llms import Says, Scripted

LONG = " ".join(["word"] * 30)
ASKED = "Where is the canteen?"
LAST = "Answer in one sentence of at most 12 words."


class Limited(Scripted):
    """Is cut off by `max_tokens`; a token is a word."""

    _cut: bool = PrivateAttr(default=False)

    def __init__(self, *says: Says, **fields: Any) -> None:
        super().__init__(*says, **fields)

    def _said(self, form: str, messages: Any, options: dict[str, Any]) -> Any:
        said = super()._said(form, messages, options)
        if not isinstance(said, str):
            return said
        words, limit = said.split(" "), options.get("max_tokens")
        self._cut = limit is not None and len(words) > limit
        return " ".join(words[:limit])

    def _raw(self, said: Any) -> dict[str, Any]:
        usage = {"prompt_tokens": 100, "completion_tokens": len(str(said).split())}
        return {"finish_reason": "length" if self._cut else "stop", "usage": usage}


def budget(**options: Any) -> OutputBudget:
    allowed = Allowance(words=12, answer_tokens=20)
    return OutputBudget({"faq": allowed}, **{"holdout": 0.0, **options})


def sent(llm: Scripted, call: int = 0) -> str:
    return "\n".join(message.content or "" for message in llm.asked[call][1])


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("chats", [True, False])
@pytest.mark.parametrize("streaming", [True, False])
async def test_a_query_engine_asks_for_it_behind_the_question(
    index: VectorStoreIndex, how: str, chats: bool, streaming: bool
) -> None:
    llm, own = Limited("In the north wing.", chats=chats), budget()
    engine = index.as_query_engine(
        llm=BudgetedLLM(llm, own, request_type="faq"), streaming=streaming
    )
    if how == "sync":
        answer: Any = await asyncio.to_thread(lambda: str(engine.query(ASKED)))
    else:
        response: Any = await engine.aquery(ASKED)
        answer = str(await response.get_response()) if streaming else str(response)
    assert answer == "In the north wing."
    assert f"Query: {ASKED}\n{LAST}\nAnswer:" in sent(llm)
    assert sent(llm).count(LAST) == 1
    assert llm.asked[0][2]["max_tokens"] == 20
    assert own.tally.counts() == {"budgeted": 1}


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_a_cut_answer_is_asked_for_once_more(index: VectorStoreIndex, how: str) -> None:
    llm, own = Limited(LONG), budget(retry=True)
    engine = index.as_query_engine(llm=BudgetedLLM(llm, own, request_type="faq"))
    answer = engine.query(ASKED) if how == "sync" else await engine.aquery(ASKED)
    assert str(answer) == LONG
    assert [told["max_tokens"] for _, _, told in llm.asked] == [20, 80]
    assert own.tally.counts() == {"budgeted": 1, "truncated": 1}


def test_questions_are_drawn_one_by_one_and_sessions_as_a_whole(index: VectorStoreIndex) -> None:
    own = budget(holdout=0.5)
    held = next(f"Question {n}?" for n in count() if own.held_out(f"Question {n}?"))
    llm = Limited("Yes.")
    index.as_query_engine(llm=BudgetedLLM(llm, own, request_type="faq")).query(held)
    assert LAST not in sent(llm)
    assert "max_tokens" not in llm.asked[0][2]
    name = next(f"t{n}" for n in count() if not own.held_out(f"t{n}"))
    named = BudgetedLLM(llm, own, request_type="faq", session=lambda: name)
    index.as_query_engine(llm=named).query(held)
    assert LAST in sent(llm, 1)


async def test_a_chat_gets_it_at_its_end() -> None:
    llm = Limited("Yes.")
    budgeted = BudgetedLLM(llm, budget(), request_type="faq")
    talk = [ChatMessage("Rules.", role=MessageRole.SYSTEM), ChatMessage("Soup?")]
    budgeted.chat(talk)
    await budgeted.achat(talk)
    list(budgeted.stream_chat(talk))
    [piece async for piece in await budgeted.astream_chat(talk)]
    for call in range(4):
        system, question = llm.asked[call][1]
        assert (system.content, question.content) == ("Rules.", f"Soup?\n\n{LAST}")
    assert [message.content for message in talk] == ["Rules.", "Soup?"]
    found = [TextBlock(text="found")]
    budgeted.chat([*talk, ChatMessage(role=MessageRole.TOOL, blocks=found)])
    assert llm.asked[4][1][-1].content == LAST


async def test_a_prompt_gets_it_at_its_end() -> None:
    llm = Limited("Yes.", chats=False)
    budgeted = BudgetedLLM(llm, budget(), request_type="faq")
    budgeted.complete("Soup?")
    await budgeted.acomplete("Soup?")
    list(budgeted.stream_complete("Soup?"))
    [piece async for piece in await budgeted.astream_complete("Soup?")]
    assert [sent(llm, call) for call in range(4)] == [f"Soup?\n\n{LAST}"] * 4


def test_tools_and_objects_are_left_alone() -> None:
    class Soup(BaseModel):
        name: str

    def menu(day: int) -> str:
        """Dishes of a day."""
        return "soup"

    call = ToolCallBlock(tool_call_id="1", tool_name="Soup", tool_kwargs={"name": "Pea"})
    llm = Limited(call)
    budgeted = BudgetedLLM(llm, budget(), request_type="faq")
    budgeted.chat_with_tools([FunctionTool.from_defaults(menu)], "Soup?")
    made = budgeted.structured_predict(Soup, PromptTemplate("{query_str}"), query_str="Soup?")
    assert made == Soup(name="Pea")
    assert all("max_tokens" not in told for _, _, told in llm.asked)
    assert all(LAST not in sent(llm, call) for call in range(len(llm.asked)))


def test_one_call_is_told_once(index: VectorStoreIndex, heard: Heard) -> None:
    llm = BudgetedLLM(Limited("Yes."), budget(), request_type="faq")
    ledger = Kept()
    with audit(ledger):
        index.as_query_engine(llm=llm).query(ASKED)
    assert len(heard.named("LLMChatStartEvent")) == 1
    assert ledger.only.max_tokens == 20


def test_a_failing_budget_leaves_the_answer_alone(index: VectorStoreIndex) -> None:
    def broken(words: int) -> str:
        raise RuntimeError("no words")

    llm, own = Limited("Yes."), budget(wording=broken)
    engine = index.as_query_engine(llm=BudgetedLLM(llm, own, request_type="faq"))
    assert str(engine.query(ASKED)) == "Yes."
    assert own.tally.failures() == {"plan": 1}


def test_an_llm_that_thinks_keeps_its_room() -> None:
    llm = Limited(LONG)
    thinking = BudgetedLLM(llm, budget(), request_type="faq", thinks=True)
    assert thinking.chat([ChatMessage("Soup?")]).message.content == LONG


def test_it_wants_an_llm() -> None:
    with pytest.raises(InputError, match="no LLM of LlamaIndex"):
        BudgetedLLM("gpt", budget())  # type: ignore[arg-type]
