"""Objects out of LLMs that have no structured answers of their own."""

from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.program import LLMTextCompletionProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.response_synthesizers import CompactAndRefine

from llama_index_ragthrift import (
    LlamaIndexLLM,
    RepairingOutputParser,
    StructuredProgram,
    audit,
)
from ragthrift import InputError
from ragthrift.prompt.output import Repair, StructuredOutputError
from tests.llama_index.ledger.billing import Kept
from tests.llama_index.output.test_budgeted import Limited

MISSING_QUOTE = '{"name": "Pea, "price": 4.5}'
RIGHT = '{"name": "Pea", "price": 4.5}'
DOCUMENTS = "word " * 2000


class Soup(BaseModel):
    """A soup."""

    name: str
    price: float


PEA = Soup(name="Pea", price=4.5)


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("chats", [True, False])
async def test_what_can_be_mended_takes_one_call(how: str, chats: bool) -> None:
    llm = Limited("Sure: ```json\n{'name': 'Pea', 'price': '4.5',}\n```", chats=chats)
    program = StructuredProgram(llm, Soup, "{docs} Soup?")
    made = program(docs="Docs.") if how == "sync" else await program.acall(docs="Docs.")
    assert made == PEA
    assert len(llm.asked) == 1
    assert '"properties"' in (llm.asked[0][1][-1].content or "")
    assert program.repair.counts() == {"repaired": 1}


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_a_repair_call_does_not_see_the_documents(how: str) -> None:
    llm, ledger = Limited(MISSING_QUOTE, RIGHT), Kept()
    program = StructuredProgram(llm, Soup, PromptTemplate("{docs} Soup?"))
    with audit(ledger):
        made = program(docs=DOCUMENTS) if how == "sync" else await program.acall(docs=DOCUMENTS)
    assert made == PEA
    assert "word word" not in str(llm.asked[1][1])
    assert sorted(call.purpose for call in ledger.calls) == ["answer", "repair"]


def test_a_cut_answer_is_not_closed() -> None:
    llm = Limited('{"name": "Pea", "price": 4.5 }')
    program = StructuredProgram(llm, Soup, "Soup?")
    with pytest.raises(StructuredOutputError, match="raise max_tokens"):
        program(llm_kwargs={"max_tokens": 3})
    assert program() == PEA


def test_pass_gives_no_object_and_so_an_error_here() -> None:
    program = StructuredProgram(
        Limited("No soup."), Soup, "Soup?", repair=Repair(Soup, on_error="pass")
    )
    with pytest.raises(StructuredOutputError, match="no JSON"):
        program()


def test_the_prompt_of_the_caller_stays_as_it_is() -> None:
    prompt = PromptTemplate("Soup?")
    StructuredProgram(Limited(RIGHT), Soup, prompt)
    assert prompt.output_parser is None


def test_the_parser_goes_wherever_one_goes() -> None:
    small = LlamaIndexLLM(Limited(RIGHT))
    program: Any = LLMTextCompletionProgram.from_defaults(
        output_parser=RepairingOutputParser(Repair(Soup, small)),
        prompt_template_str="Soup?",
        llm=Limited(MISSING_QUOTE),
    )
    assert program() == PEA
    with pytest.raises(InputError, match="a class of pydantic's"):
        RepairingOutputParser(Repair({"type": "object"}))


def test_a_synthesizer_takes_the_program(index: VectorStoreIndex) -> None:
    says = "{'answer': 'In the north wing.', 'query_satisfied': true,}"
    llm = Limited(says, tools=False)
    synthesizer = CompactAndRefine(
        llm=llm,
        structured_answer_filtering=True,
        program_factory=lambda prompt: StructuredProgram(llm, _Refined, prompt),
    )
    engine = index.as_query_engine(llm=llm, response_synthesizer=synthesizer)
    assert str(engine.query("Where is the canteen?")) == "In the north wing."


class _Refined(BaseModel):
    """What LlamaIndex's refining asks for."""

    answer: str
    query_satisfied: bool
