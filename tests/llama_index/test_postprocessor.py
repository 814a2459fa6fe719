import asyncio
import copy
import json
import logging
import pickle
import threading
import time
from collections.abc import Sequence

import pytest
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from llama_index_ragthrift import RagthriftPostprocessor
from ragthrift import InputError, Passage, Run
from tests.llama_index.conftest import Called, Heard
from tests.llama_index.fakes import FirstSentence, SharedWords, broken


@pytest.fixture
def nodes(handbook: list[TextNode]) -> list[NodeWithScore]:
    return [NodeWithScore(node=node, score=0.5) for node in handbook]


def test_class() -> None:
    assert BaseNodePostprocessor in RagthriftPostprocessor.__mro__
    assert RagthriftPostprocessor.class_name() == "RagthriftPostprocessor"


def test_steps_run_in_order(nodes: list[NodeWithScore]) -> None:
    step = RagthriftPostprocessor([SharedWords(top_k=2), FirstSentence()])
    kept = step.postprocess_nodes(nodes, QueryBundle("the north wing porter"))
    assert [(n.node_id, n.text) for n in kept] == [
        ("wing", "The canteen is in the north wing."),
        ("keys", "Keys are kept by the porter."),
    ]
    assert [type(n.score) for n in kept] == [float, float]


def test_the_given_nodes_are_left_alone(nodes: list[NodeWithScore]) -> None:
    before = copy.deepcopy(nodes)
    listed = list(nodes)
    RagthriftPostprocessor([SharedWords(top_k=2), FirstSentence()]).postprocess_nodes(
        nodes, query_str="north wing"
    )
    assert nodes == before
    assert all(a is b for a, b in zip(nodes, listed, strict=True))


def test_no_nodes_and_no_steps(nodes: list[NodeWithScore]) -> None:
    runs: list[Run] = []
    assert (
        RagthriftPostprocessor([SharedWords()], on_run=runs.append).postprocess_nodes(
            [], query_str="Who?"
        )
        == []
    )
    assert RagthriftPostprocessor([]).postprocess_nodes(nodes, query_str="Who?") == nodes
    assert runs == [Run("Who?", (), ())]


@pytest.mark.parametrize("on_error", ["pass", "raise"])
async def test_no_query_is_said_clearly(on_error: str, nodes: list[NodeWithScore]) -> None:
    step = RagthriftPostprocessor([SharedWords()], on_error=on_error)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="query_str="):
        step.postprocess_nodes(nodes)
    with pytest.raises(InputError, match="query_str="):
        await step.apostprocess_nodes(nodes)


def test_bad_arguments_are_said_clearly() -> None:
    with pytest.raises(InputError, match="put it in brackets"):
        RagthriftPostprocessor(SharedWords())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is not a step"):
        RagthriftPostprocessor(["rerank"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="must be 'pass' or 'raise'"):
        RagthriftPostprocessor([], on_error="ignore")  # type: ignore[arg-type]


def test_a_failing_step_is_passed_over_logged_once_and_counted(
    nodes: list[NodeWithScore], caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[Run] = []
    step = RagthriftPostprocessor([broken, SharedWords(top_k=1)], on_run=runs.append)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            (kept,) = step.postprocess_nodes(nodes, query_str="north wing")
    assert kept.node_id == "wing"
    assert step.failures == {"broken": 3}
    assert len(caplog.records) == 1
    assert runs[0].records[0].error == "RuntimeError: the model is gone"


async def test_on_error_raise(nodes: list[NodeWithScore], heard: Heard, called: Called) -> None:
    step = RagthriftPostprocessor(
        [broken], on_error="raise", callback_manager=CallbackManager([called])
    )
    with pytest.raises(RuntimeError, match="the model is gone"):
        step.postprocess_nodes(nodes, query_str="Who?")
    with pytest.raises(RuntimeError, match="the model is gone"):
        await step.apostprocess_nodes(nodes, query_str="Who?")
    assert not heard.named("ReRankEndEvent")
    ends = [payload for when, payload in called.of(CBEventType.RERANKING) if when == "end"]
    assert [str(payload[EventPayload.EXCEPTION]) for payload in ends] == ["the model is gone"] * 2


def test_runs_are_told_with_savings_by_the_given_counter(nodes: list[NodeWithScore]) -> None:
    class Words:
        exact = True

        def count(self, text: str) -> int:
            return len(text.split())

    runs: list[Run] = []
    RagthriftPostprocessor(
        [SharedWords(top_k=1)], token_counter=Words(), on_run=runs.append
    ).postprocess_nodes(nodes, query_str="north wing")
    (run,) = runs
    assert (run.tokens.before, run.tokens.after) == (35, 11)
    assert run.records[0].name == "SharedWords"
    assert run.records[0].exact


@pytest.mark.parametrize("awaited", [True, False])
async def test_both_channels_are_told(
    awaited: bool, nodes: list[NodeWithScore], heard: Heard, called: Called
) -> None:
    step = RagthriftPostprocessor(
        [SharedWords(top_k=1), FirstSentence()], callback_manager=CallbackManager([called])
    )
    if awaited:
        kept = await step.apostprocess_nodes(nodes, query_str="north wing")
    else:
        kept = step.postprocess_nodes(nodes, query_str="north wing")

    start, end = heard.named("ReRankStartEvent", "ReRankEndEvent")
    assert start.query.query_str == "north wing"
    assert start.nodes == nodes
    assert start.top_n == 4
    assert start.model_name == "SharedWords, FirstSentence"
    assert end.nodes == kept
    assert start.span_id == end.span_id
    assert start.span_id is not None
    (begun, asked), (ended, left) = called.of(CBEventType.RERANKING)
    assert (begun, ended) == ("start", "end")
    assert asked[EventPayload.QUERY_STR] == "north wing"
    assert asked[EventPayload.NODES] == nodes
    assert left[EventPayload.NODES] == kept


async def test_events_are_told_on_the_thread_that_awaits(
    nodes: list[NodeWithScore], called: Called
) -> None:
    threads: list[int] = []
    ran: list[int] = []

    class Where(Called):
        def on_event_start(self, *args: object, **kwargs: object) -> str:
            threads.append(threading.get_ident())
            return ""

    def where(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        ran.append(threading.get_ident())
        return passages

    step = RagthriftPostprocessor([where], callback_manager=CallbackManager([Where()]))
    await step.apostprocess_nodes(nodes, query_str="Who?")
    assert threads == [threading.get_ident()]
    assert ran != threads


async def test_awaiting_does_not_block_the_loop(nodes: list[NodeWithScore]) -> None:
    together = threading.Barrier(3, timeout=5)

    def slow(query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        together.wait()
        time.sleep(0.3)
        return passages

    step = RagthriftPostprocessor([slow], on_error="raise")
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await asyncio.gather(
        *(step.apostprocess_nodes(list(nodes), query_str="Who?") for _ in range(3))
    )
    assert ticks > 5
    ticking.cancel()


def test_serialisation_leaves_out_what_has_no_form(nodes: list[NodeWithScore]) -> None:
    step = RagthriftPostprocessor(
        [SharedWords(top_k=1)], on_error="raise", metadata_mode=MetadataMode.LLM, on_run=print
    )
    as_dict = step.to_dict()
    assert as_dict == {
        "on_error": "raise",
        "metadata_mode": MetadataMode.LLM,
        "class_name": "RagthriftPostprocessor",
    }
    assert json.loads(step.to_json())["metadata_mode"] == "llm"
    again = RagthriftPostprocessor.from_dict(as_dict, steps=[SharedWords(top_k=1)])
    assert again.metadata_mode is MetadataMode.LLM
    assert len(again.postprocess_nodes(nodes, query_str="north wing")) == 1
    with pytest.raises(TypeError, match="steps"):
        RagthriftPostprocessor.from_dict(as_dict)


def test_json_brings_the_mode_back(nodes: list[NodeWithScore]) -> None:
    reranker = SharedWords()
    text = RagthriftPostprocessor([], metadata_mode=MetadataMode.LLM).to_json()
    again = RagthriftPostprocessor.from_json(text, steps=[reranker])
    again.postprocess_nodes(nodes, query_str="north wing")
    assert reranker.read[0].startswith("file: wing.md\n\nThe canteen")


def test_a_copy_from_pickle_works(nodes: list[NodeWithScore]) -> None:
    step = RagthriftPostprocessor([SharedWords(top_k=1)], on_error="raise")
    again = pickle.loads(pickle.dumps(step))
    assert again.on_error == "raise"
    assert len(again.postprocess_nodes(nodes, query_str="north wing")) == 1
