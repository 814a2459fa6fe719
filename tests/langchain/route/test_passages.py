"""What was retrieved, told to a router."""

from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough

from langchain_ragthrift import with_passages
from ragthrift.route import Answered
from tests.langchain.fakes import Shelf
from tests.langchain.route.fakes import EASY, pair, routed_by

FOUND = [Document("The canteen opens at nine.", id="c1", metadata={"relevance_score": 0.8})]


def looking(seen: list[Any]) -> Any:
    def look(answered: Answered) -> None:
        seen.append([(p.id, p.score) for p in answered.ask.passages])

    return routed_by(pair(), checks=[look])


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("documents", ["context", lambda given: given["context"]])
async def test_a_chain_tells_its_documents(how: str, documents: Any) -> None:
    seen: list[Any] = []
    prompt = ChatPromptTemplate.from_template("{context}\n\n{question}")
    chain: Any = {"context": Shelf(documents=FOUND), "question": RunnablePassthrough()} | (
        with_passages(prompt | looking(seen), documents)
    )
    if how == "invoke":
        chain.invoke(EASY)
    elif how == "ainvoke":
        await chain.ainvoke(EASY)
    elif how == "stream":
        assert len(list(chain.stream(EASY))) > 1
    else:
        assert len([chunk async for chunk in chain.astream(EASY)]) > 1
    assert seen == [[("c1", 0.8)]]


async def test_nothing_is_left_behind() -> None:
    seen: list[Any] = []
    chat = looking(seen)
    with_passages(chat, lambda _: FOUND).invoke(EASY)
    chat.invoke(EASY)
    chat.invoke(EASY, passages=FOUND)
    assert seen == [[("c1", 0.8)], [], [("c1", 0.8)]]


async def test_documents_must_be_there() -> None:
    with pytest.raises(ValueError, match="under 'documents', which the input lacks"):
        with_passages(looking([]), "documents").invoke({"context": FOUND})
