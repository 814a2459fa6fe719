import asyncio
import logging
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda
from pydantic import ValidationError

from langchain_ragthrift import RagthriftCompressor
from ragthrift import ContractError, InputError, Passage, Run, Savings
from tests.langchain.fakes import broken, drop_all, keep, unchanged

CATS = Document("Cats sleep.", id="c", metadata={"page": 1, "relevance_score": 0.9})
DOGS = Document("Dogs bark.", metadata={"page": 2})


class Longest:
    """A reranker."""

    def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        scored = [passage.with_score(len(passage.text)) for passage in passages]
        return sorted(scored, key=lambda passage: -len(passage.text))


class FirstWord:
    """A compressor."""

    def compress(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        return [passage.with_text(passage.text.split()[0]) for passage in passages]


class Words:
    """An exact counter of words."""

    exact = True

    def count(self, text: str) -> int:
        return len(text.split())


def test_rerankers_compressors_and_functions_run_in_order() -> None:
    runs: list[Run] = []
    compressor = RagthriftCompressor(
        [Longest(), FirstWord(), lambda query, passages: passages[:1]],
        token_counter=Words(),
        on_run=runs.append,
    )
    assert compressor.compress_documents([DOGS, CATS], "What sleeps?") == [
        Document("Cats", id="c", metadata={"page": 1, "relevance_score": 11.0})
    ]
    assert [run.query for run in runs] == ["What sleeps?"]
    assert runs[0].tokens == Savings(4, 1)
    assert runs[0].records[0].exact


@pytest.mark.parametrize("callbacks", [None, [], [BaseCallbackHandler()], CallbackManager([])])
async def test_callbacks_are_accepted(callbacks: Any) -> None:
    compressor = RagthriftCompressor([keep("Dogs bark.")])
    assert compressor.compress_documents([CATS, DOGS], "What barks?", callbacks=callbacks) == [DOGS]
    assert await compressor.acompress_documents([CATS, DOGS], "?", callbacks=callbacks) == [DOGS]


def test_nothing_kept_and_nothing_given_are_empty() -> None:
    assert RagthriftCompressor([drop_all]).compress_documents([CATS], "What?") == []
    assert RagthriftCompressor([unchanged]).compress_documents([], "What?") == []


def test_a_failing_step_is_passed_over_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    compressor = RagthriftCompressor([broken, keep("Cats sleep.")])
    with caplog.at_level(logging.WARNING, logger="ragthrift"):
        for _ in range(3):
            assert compressor.compress_documents([CATS, DOGS], "What?") == [CATS]
    assert compressor.pipeline.failures == {"broken": 3}
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_failing_step_raises_where_asked_to() -> None:
    compressor = RagthriftCompressor([broken], on_error="raise")
    with pytest.raises(RuntimeError, match="no model today"):
        compressor.compress_documents([CATS], "What?")
    with pytest.raises(RuntimeError, match="no model today"):
        await compressor.acompress_documents([CATS], "What?")


def test_an_invented_passage_is_refused() -> None:
    compressor = RagthriftCompressor([lambda query, passages: [Passage("New.")]], on_error="raise")
    with pytest.raises(ContractError):
        compressor.compress_documents([CATS], "What?")


async def test_the_event_loop_stays_free() -> None:
    loop_ran = threading.Event()

    def patient(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        assert loop_ran.wait(timeout=20), "the loop was blocked"
        return passages

    compressor = RagthriftCompressor([patient], on_error="raise")
    task = asyncio.create_task(compressor.acompress_documents([CATS], "What?"))
    await asyncio.sleep(0)
    loop_ran.set()
    assert await task == [CATS]


async def test_calls_run_side_by_side_and_do_not_mix() -> None:
    together = threading.Barrier(4, timeout=20)

    def asked_for(query: str, passages: Sequence[Passage]) -> list[Passage]:
        together.wait()
        return [passage for passage in passages if passage.text == query]

    compressor = RagthriftCompressor([asked_for], on_error="raise")
    texts = ["a", "b", "c", "d"]
    documents = [Document(text) for text in texts]
    found = await asyncio.gather(
        *(compressor.acompress_documents(documents, text) for text in texts)
    )
    assert found == [[document] for document in documents]


async def test_it_is_a_link_of_a_chain() -> None:
    trim = RagthriftCompressor([keep("Dogs bark.")]).as_runnable()
    chain = {"question": RunnableLambda(str.lower), "documents": lambda _: [CATS, DOGS]} | trim
    assert chain.invoke("WHO?") == [DOGS]
    assert await chain.ainvoke("WHO?") == [DOGS]
    assert chain.batch(["WHO?", "WHAT?"]) == [[DOGS], [DOGS]]
    assert await chain.abatch(["WHO?", "WHAT?"]) == [[DOGS], [DOGS]]
    assert {"question", "documents"} <= trim.get_input_jsonschema()["$defs"]["Retrieved"][
        "properties"
    ].keys()


@pytest.mark.parametrize("wrong", [{"query": "Who?", "documents": []}, "Who?"])
def test_a_chain_that_sends_something_else_is_told_what_to_send(wrong: Any) -> None:
    with pytest.raises(InputError, match='"question": str, "documents"'):
        RagthriftCompressor([unchanged]).as_runnable().invoke(wrong)


def test_wrong_arguments_say_what_would_be_right() -> None:
    with pytest.raises(InputError, match="is not a step"):
        RagthriftCompressor(["rerank"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="'pass' or 'raise'"):
        RagthriftCompressor([unchanged], on_error="ignore")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="query must be str"):
        RagthriftCompressor([unchanged]).compress_documents([CATS], ["Who?"])  # type: ignore[arg-type]


def test_a_copy_runs_its_own_steps() -> None:
    compressor = RagthriftCompressor([broken, drop_all])
    changed = compressor.model_copy(update={"steps": [keep("Dogs bark.")], "on_error": "raise"})
    assert changed.compress_documents([CATS, DOGS], "What?") == [DOGS]
    assert compressor.compress_documents([CATS, DOGS], "What?") == []
    assert compressor.pipeline.failures == {"broken": 1}
    assert changed.pipeline.failures == {}


def test_steps_cannot_be_exchanged_behind_the_pipelines_back() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RagthriftCompressor([unchanged]).steps = (broken,)
