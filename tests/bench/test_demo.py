"""The demo's two applications, with a scripted model in the place of the local one."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from ragthrift import Message
from ragthrift.embed import minilm
from ragthrift.protocols import LLM, Reranker
from ragthrift.rerank import HybridReranker, Keep
from ragthrift.testing import ScriptedLLM
from ragthrift.tokens import OpenAITokens
from ragthrift_bench import handbook
from ragthrift_bench.demo.langchain_rag import langchain_rag
from ragthrift_bench.demo.llama_index_rag import llama_index_rag
from ragthrift_bench.demo.measure import Application, Measured, RecordingLLM, Summary, measure
from ragthrift_bench.results import Results
from ragthrift_bench.retrieval import Retrieve, faiss_retriever

Builder = Callable[[Retrieve, LLM, Reranker | None], Application]
CASES = handbook.questions()[:4]
LEVER = HybridReranker(keep=Keep(top_k=3))


@pytest.fixture(scope="module")
def retrieve() -> Retrieve:
    return faiss_retriever(handbook.passages(), minilm(), 10)


def run(build: Builder, retrieve: Retrieve, lever: Reranker | None) -> tuple[Summary, list[str]]:
    """Ask every question; the model always answers with the first question's gold answer."""
    calls = RecordingLLM(ScriptedLLM(lambda messages: CASES[0].answers[0]))
    prompts: list[str] = []
    rows: list[Measured] = []
    for case in CASES:
        rows += measure(
            build(retrieve, calls, lever),
            [case],
            calls=calls,
            counter=OpenAITokens(),
            model="gpt-5-mini",
        )
        prompts += ["".join(_contents(sent)) for sent, _ in calls.calls]
    return Summary.of(rows), prompts


def _contents(messages: "object") -> list[str]:
    assert isinstance(messages, list | tuple)
    return [message.content for message in messages if isinstance(message, Message)]


@pytest.mark.parametrize("build", [langchain_rag, llama_index_rag])
def test_the_lever_saves_and_keeps_the_gold_passages(build: Builder, retrieve: Retrieve) -> None:
    before, _ = run(build, retrieve, None)
    after, _ = run(build, retrieve, LEVER)
    assert before.kept_gold == 1
    assert after.kept_gold >= 0.75
    assert after.prompt_tokens < 0.5 * before.prompt_tokens
    assert 0 < after.dollars_per_1000 < before.dollars_per_1000
    assert before.contains == after.contains == 0.25


def test_both_frameworks_send_the_same_prompts(retrieve: Retrieve) -> None:
    _, by_langchain = run(langchain_rag, retrieve, LEVER)
    _, by_llama_index = run(llama_index_rag, retrieve, LEVER)
    assert by_langchain == by_llama_index
    assert CASES[0].question in by_langchain[0]


def test_the_index_finds_the_gold_passage_of_most_questions(retrieve: Retrieve) -> None:
    found = [case.keeps_gold(retrieve(case.question)) for case in handbook.questions()]
    assert sum(found) / len(found) > 0.9


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["demo", "--data", "/no/such/file.jsonl"], "no file"),
        (["demo", "--model", "no-such-model"], "no known price"),
    ],
)
def test_what_cannot_work_ends_with_a_sentence_and_code_2(arguments: list[str], told: str) -> None:
    from ragthrift.cli import application

    result = CliRunner().invoke(application(), arguments)
    assert result.exit_code == 2
    assert told in result.output.replace("\n", " ")
    assert "Traceback" not in result.output


def test_every_gold_answer_stands_in_a_gold_passage() -> None:
    texts = {passage.id: passage.text.lower() for passage in handbook.passages()}
    for case in handbook.questions():
        assert any(
            answer.lower() in texts[gold] for answer in case.answers for gold in case.gold_ids
        ), case.question
    assert len(handbook.passages()) >= 60
    assert len(handbook.questions()) >= 60


def test_the_readme_shows_the_committed_results() -> None:
    from benchmarks.readme import RESULTS, ROOT, with_table

    readme = (ROOT / "README.md").read_text()
    assert with_table(readme, Results.read(RESULTS)) == readme
