"""What was projected, and what is saved when the lever is really applied."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from benchmarks.output import cases
from ragthrift import Message, Pipeline, Tier, Usage
from ragthrift.audit import Projection, audit
from ragthrift.cache import SemanticCache, cache_scope
from ragthrift.compress import SentencePruner
from ragthrift.ledger import Call
from ragthrift.memory import ConversationMemory
from ragthrift.prompt import PromptLayout, PromptParts
from ragthrift.prompt.output import OutputBudget, Repair
from ragthrift.protocols import Compressor, Reranker
from ragthrift.provider_cache import PrefixCache
from ragthrift.rerank import HybridReranker, Keep
from ragthrift.testing import FakeEmbedder, QuestionLengthRouter, ScriptedLLM
from ragthrift.tokens import EstimatedTokens
from tests.audit.workloads import (
    BEGIN,
    COUNT,
    Turn,
    agent,
    document_answers,
    faq_bot,
    handbook_questions,
    prose,
    saved,
)

ANSWERS = Path(__file__).parents[2] / "benchmarks" / "breakages" / "answers.jsonl"
WORKLOADS: dict[str, Callable[[], list[Turn]]] = {
    "faq": faq_bot,
    "agent": agent,
    "documents": document_answers,
    "handbook": handbook_questions,
}


@cache
def turns_of(workload: str) -> list[Turn]:
    return WORKLOADS[workload]()


@cache
def projections(workload: str) -> dict[str, Projection]:
    found = audit(turn.call() for turn in turns_of(workload))
    return {projection.lever: projection for projection in found.plan.projections}


def holds(workload: str, lever: str, after: Sequence[Call]) -> None:
    share = projections(workload)[lever].share
    really = saved([turn.call() for turn in turns_of(workload)], after)
    assert share.low <= really <= share.high


def minilm_or_skip() -> None:
    pytest.importorskip("onnxruntime", reason="MiniLM runs on ONNX Runtime")
    pytest.importorskip("ragthrift_models", reason="MiniLM is in ragthrift-models")


def test_semantic_cache() -> None:
    minilm_or_skip()
    from ragthrift.embed import minilm

    scope = cache_scope(tenant="t", model="m", corpus="c")
    billed: list[Call] = []
    with SemanticCache(minilm()) as cached:
        for turn in turns_of("faq"):
            call, answer = turn.call(), turn.answer
            served = cached.answer(
                turn.question,
                lambda *_, said=answer: said,
                scope=scope,
                passages=turn.documents,
                fence=cached.fence(),
            )
            billed.append(replace(call, answered_by_cache=served.source != "model"))
    holds("faq", "semantic cache", billed)


def laid_out(turns: Sequence[Turn]) -> list[Call]:
    """Prompts by `PromptLayout`, billed by the provider's rules at the breakpoints it planned."""
    counter = EstimatedTokens()
    layout = PromptLayout.learn([turn.call() for turn in turns], counter=counter)
    provider = PrefixCache(layout.rules)
    calls = []
    for turn in turns:
        prompt = layout.arrange(
            PromptParts(
                question=turn.question,
                system=turn.system,
                tools=turn.tools,
                documents=turn.documents,
                history=turn.history,
                context=turn.clock,
            )
        )
        marks = prompt.plan.breakpoints
        cached = provider.bill(prompt.segments, marks, at=turn.at, ready_after=1.0)
        call = turn.call()
        tokens = sum(segment.tokens for segment in prompt.segments)
        usage = Usage(tokens, call.usage.output_tokens, cached.read, cached.write)
        calls.append(replace(call, usage=usage, classes={"cache_write_1h_tokens": cached.write_1h}))
    return calls


@pytest.mark.parametrize("workload", ["faq", "agent"])
def test_prompt_caching(workload: str) -> None:
    holds(workload, "prompt caching", laid_out(turns_of(workload)))


def test_prompt_caching_is_not_projected_where_it_would_not_pay() -> None:
    assert "prompt caching" not in projections("documents")
    assert saved([t.call() for t in turns_of("documents")], laid_out(turns_of("documents"))) < 0.01


def stepped(turns: Sequence[Turn], step: Reranker | Compressor) -> list[Call]:
    pipeline = Pipeline([step], on_error="raise")
    return [
        replace(turn, documents=tuple(pipeline(turn.question, turn.documents))).call()
        for turn in turns
    ]


def top_k(projection: Projection) -> int:
    """The number in the line of code that the report names."""
    return int("".join(filter(str.isdigit, projection.code)))


def test_rerank_and_trim() -> None:
    keep = Keep(top_k=top_k(projections("documents")["rerank and trim"]))
    after = stepped(turns_of("documents"), HybridReranker(FakeEmbedder(), keep=keep))
    holds("documents", "rerank and trim", after)


def test_rerank_and_trim_on_the_benchmark() -> None:
    minilm_or_skip()
    keep = Keep(top_k=top_k(projections("handbook")["rerank and trim"]))
    holds("handbook", "rerank and trim", stepped(turns_of("handbook"), HybridReranker(keep=keep)))


def test_compression_on_the_benchmark() -> None:
    minilm_or_skip()
    holds("handbook", "compression", stepped(turns_of("handbook"), SentencePruner()))


def test_trim_and_compression_multiply() -> None:
    minilm_or_skip()
    turns = turns_of("handbook")
    found = audit(turn.call() for turn in turns)
    steps = {step.lever: step for step in found.plan.steps}
    keep = Keep(top_k=top_k(projections("handbook")["rerank and trim"]))
    before = [turn.call() for turn in turns]
    trimmed = stepped(turns, HybridReranker(keep=keep))
    best = HybridReranker(keep=keep)
    kept = [
        replace(turn, documents=tuple(best.rank(turn.question, turn.documents))) for turn in turns
    ]
    both = stepped(kept, SentencePruner())
    really = saved(before, both) - saved(before, trimmed)
    span = steps["compression"].dollars.times(1 / found.coverage.dollars)
    assert span.low <= really <= span.high
    assert really < projections("handbook")["compression"].share.low


def test_memory() -> None:
    after = []
    with ConversationMemory(counter=EstimatedTokens()) as memory:
        for turn in turns_of("agent"):
            talk = [Message("system", turn.system), *turn.history, Message("user", turn.question)]
            sent = memory.view(turn.session, talk)
            call = turn.call()
            tools = sum(COUNT(tool.description) for tool in turn.tools) + COUNT(turn.clock)
            tokens = tools + sum(COUNT(message.content) for message in sent)
            after.append(replace(call, usage=Usage(tokens, call.usage.output_tokens)))
            memory.after(turn.session, [*talk, Message("assistant", turn.answer)]).result()
    holds("agent", "memory", after)


def test_output_limits() -> None:
    """The writer is asked for a number of words, and comes near it as models do."""
    random = Random(0)
    turns = turns_of("documents")
    budget = OutputBudget.learn(turn.call() for turn in turns)
    after = []
    for turn in turns:
        asking = budget.asking(turn.request_type, key=turn.session)
        answer = turn.answer
        if asking.instruction:
            words = int("".join(filter(str.isdigit, asking.instruction)))
            meant = round(words * random.lognormvariate(-0.1, 0.25))
            answer = prose(min(len(answer.split()), meant), random)
        call = replace(turn, answer=answer, question=f"{turn.question} {asking.instruction}").call()
        output = min(call.usage.output_tokens, asking.max_tokens or call.usage.output_tokens)
        after.append(replace(call, usage=replace(call.usage, output_tokens=output)))
    holds("documents", "output limits", after)


def test_batch() -> None:
    """As `BatchRunner` records what it sent: the same tokens, processed in a batch."""
    judges = [replace(turn.call(), purpose="judge") for turn in turns_of("documents")]
    found = audit(judges)
    share = next(p for p in found.plan.projections if p.lever == "batch").share
    really = saved(judges, [replace(call, processing="batch") for call in judges])
    assert share.low <= really <= share.high
    assert really == pytest.approx(0.5)


def test_routing() -> None:
    """Short questions to the model that the report names, at its published price."""
    cheap, strong = Tier("cheap", "claude-haiku-4-5"), Tier("strong", "claude-sonnet-4-5")
    assert cheap.model in projections("faq")["routing"].assumes
    router = QuestionLengthRouter([cheap, strong], max_words=11)
    turns = turns_of("faq")
    chosen = [router.route([Message("user", turn.question)]).tier for turn in turns]
    assert 0.2 < sum(tier == cheap for tier in chosen) / len(turns) < 0.6
    after = [
        replace(turn.call(), model=tier.model) for turn, tier in zip(turns, chosen, strict=True)
    ]
    holds("faq", "routing", after)


def test_structured_output() -> None:
    """Broken answers that were asked for again with all documents, and how `Repair` reads them."""
    pytest.importorskip("json_repair", reason="the parser of ragthrift[structured]")
    broken = [case for case in cases(ANSWERS) if case.kind != "as it is"]
    before, after = [], []
    for number, case in enumerate(broken):
        asked = Call(
            model="claude-sonnet-4-5",
            usage=Usage(1500 + COUNT(case.answer), COUNT(case.repair or case.answer)),
            purpose="repair",
            at=BEGIN + number,
        )
        before.append(asked)
        small: list[Call] = []
        llm = ScriptedLLM(case.repair or case.answer, model=asked.model)
        found = Repair(case.shape, llm, on_error="pass", record=small.append)
        how = found.read(case.answer, case.finish).how
        after += [asked] if how == "failed" else [replace(one, at=asked.at) for one in small]
    share = next(p for p in audit(before).plan.projections if p.lever == "structured output").share
    assert share.low <= saved(before, after) <= share.high
