"""The levers together: each in its place, on one question, on a conversation, on failures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ragthrift import (
    Completion,
    InputError,
    Message,
    ModelError,
    Passage,
    Price,
    Scope,
    Tier,
    Usage,
)
from ragthrift.cache import SemanticCache
from ragthrift.compress import ExtractiveCompressor
from ragthrift.ledger import SqliteLedger
from ragthrift.memory import ConversationMemory
from ragthrift.prompt import PromptLayout
from ragthrift.prompt.output import Allowance, OutputBudget
from ragthrift.provider_cache import rules_for
from ragthrift.rerank import HybridReranker, Keep
from ragthrift.route import CHECKS, Router
from ragthrift.route.checks import truncated
from ragthrift.stack import Levers, Stack
from ragthrift.testing import FakeEmbedder, ScriptedLLM, WordOverlapReranker
from tests.cache.fakes import ServeNear

SCOPE = Scope.of(tenant="acme")
SHELF = [
    Passage("The canteen opens at nine. It is on the ground floor, next to the lift.", "canteen"),
    Passage("Payday is the 25th of each month. Questions go to the payroll desk.", "pay"),
    Passage("Dogs are welcome on Fridays.", "dogs"),
]
TIERS = [
    Tier("cheap", "small-model", Price(0.10, 0.40)),
    Tier("strong", "large-model", Price(2.50, 10.00)),
]


class Counting:
    """Retrieves from the shelf, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, question: str) -> Sequence[Passage]:
        self.calls += 1
        return SHELF


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    kept = SqliteLedger(tmp_path / "calls.db")
    yield kept
    kept.close()


def keep_one() -> HybridReranker:
    return HybridReranker(keep=Keep(top_k=1))


def asked(llm: ScriptedLLM, call: int = -1) -> str:
    return "\n".join(message.content for message in llm.calls[call])


def test_each_lever_is_in_its_place(ledger: SqliteLedger) -> None:
    """One question through all of them, and the same one again."""
    llm = ScriptedLLM(["The canteen opens at nine.", "never said"])
    retrieve = Counting()
    levers = Levers(
        cache=SemanticCache(FakeEmbedder(), policy=ServeNear(0.6), on_error="raise"),
        rerank=keep_one(),
        compress=ExtractiveCompressor(),
        layout=PromptLayout(),
        output=OutputBudget({"faq": Allowance.of(40)}, holdout=0),
        ledger=ledger,
    )
    stack = Stack(llm, levers, system="You are the desk.", on_error="raise")
    said = stack.answer(
        "When does the canteen open?", retrieve=retrieve, scope=SCOPE, request_type="faq"
    )
    assert (said.text, said.source) == ("The canteen opens at nine.", "model")
    assert [passage.text for passage in said.passages] == [SHELF[0].text], "cited whole"
    first, last = llm.calls[0]
    assert first == Message("system", "You are the desk.")
    assert last.content.startswith("The canteen opens at nine."), "documents before the question"
    assert "ground floor" not in last.content, "compressed"
    assert "Payday" not in last.content, "trimmed"
    assert last.content.index("When does") < last.content.index("Answer in"), "instruction last"

    again = stack.answer(
        "When does our canteen open?", retrieve=retrieve, scope=SCOPE, request_type="faq"
    )
    assert (again.text, again.source) == (said.text, "semantic")
    assert (retrieve.calls, len(llm.calls)) == (1, 1), "before anything is spent"

    stack.flush()
    model, hit = ledger.calls()
    assert model.request_type == hit.request_type == "faq"
    assert hit.answered_by_cache
    assert not model.answered_by_cache
    assert model.tokens_from("document") > 0
    assert set(model.savings) == {"rerank", "compress"} or model.savings, "what the steps took"
    assert levers.names == ("cache", "rerank", "compress", "layout", "output", "ledger")


def test_a_changed_document_is_not_served_though_it_was_compressed() -> None:
    """Answers rest on what was retrieved: a compressed text is another one for each question."""
    llm = ScriptedLLM(["At nine.", "At ten."])
    cache = SemanticCache(None, on_error="raise")
    stack = Stack(llm, Levers(cache=cache, rerank=keep_one(), compress=ExtractiveCompressor()))
    assert (
        stack.answer("When does the canteen open?", retrieve=Counting(), scope=SCOPE).text
        == "At nine."
    )
    assert cache.invalidate(document_id="canteen") == 1
    assert (
        stack.answer("When does the canteen open?", retrieve=Counting(), scope=SCOPE).text
        == "At ten."
    )


def test_tenants_prompts_and_contexts_share_nothing() -> None:
    llm = ScriptedLLM([str(n) for n in range(9)])
    cache = SemanticCache(None, on_error="raise")

    def ask(system: str, context: str, tenant: str) -> str:
        stack = Stack(llm, Levers(cache=cache), system=system)
        scope = Scope.of(tenant=tenant)
        return stack.answer("Soup?", retrieve=Counting(), scope=scope, context=context).text

    cases = [("a", "", "x"), ("b", "", "x"), ("a", "Monday", "x"), ("a", "", "y")]
    told = [ask(*case) for case in cases]
    assert len(set(told)) == len(cases)
    assert [ask(*case) for case in cases] == told


def test_a_conversation_is_remembered_and_never_mixed_up() -> None:
    llm = ScriptedLLM(lambda messages: f"{len(messages)} messages, {messages[-1].content[-12:]!r}")
    memory = ConversationMemory()
    levers = Levers(
        cache=SemanticCache(None, on_error="raise"), memory=memory, layout=PromptLayout()
    )
    stack = Stack(llm, levers, system="Be brief.")

    def ask(question: str, session: str) -> str:
        return stack.answer(question, retrieve=Counting(), scope=SCOPE, session=session).source

    assert ask("Is there soup?", "ann") == "model"
    assert ask("And on Friday?", "ann") == "model"
    assert ask("Are dogs allowed?", "ben") == "model"
    assert ask("And on Friday?", "ben") == "model", "not what was said to Ann"
    assert ask("Is there soup?", "cem") == "exact", "a first question is everybody's"
    kept = [turn.message.content for turn in memory.transcript.load("cem").turns]
    assert kept[0] == "Is there soup?"
    assert len(kept) == 2, "a cached answer is a turn, too"
    talk = [message.content for message in llm.calls[1]]
    assert "Is there soup?" in talk
    memory.close()


def test_the_router_asks_the_model_of_the_tier_and_bills_every_attempt(
    ledger: SqliteLedger,
) -> None:
    cheap, strong = ScriptedLLM(""), ScriptedLLM("At nine.")
    checks = [check for check in CHECKS if check is not truncated]
    levers = Levers(
        router=Router(TIERS, checks=checks),
        output=OutputBudget({}, default=Allowance.of(40), holdout=0),
        ledger=ledger,
    )
    stack = Stack({"cheap": cheap, "strong": strong}, levers)
    said = stack.answer("When does the canteen open?", retrieve=Counting())
    assert said.text == "At nine."
    assert said.routed is not None
    assert said.routed.escalated
    stack.flush()
    assert [call.purpose for call in ledger.calls()] == ["answer", "escalation"]


def test_a_failing_model_is_raised_and_recorded(ledger: SqliteLedger) -> None:
    class Broken:
        def complete(
            self,
            messages: Sequence[Message],
            *,
            max_tokens: int | None = None,
            stop: Sequence[str] = (),
        ) -> Completion:
            raise ModelError("no such model")

    memory = ConversationMemory()
    stack = Stack(Broken(), Levers(ledger=ledger, memory=memory))
    with pytest.raises(ModelError, match="no such model"):
        stack.answer("Soup?", retrieve=Counting(), session="ann")
    stack.flush()
    (call,) = ledger.calls()
    assert (call.error, call.usage) == ("ModelError", Usage())
    memory.close()


def test_a_failing_step_is_passed_over() -> None:
    class Broken:
        def rank(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
            raise OSError("gone")

    stack = Stack(ScriptedLLM("At nine."), Levers(rerank=Broken()))
    said = stack.answer("When?", retrieve=Counting())
    assert [passage.id for passage in said.passages] == ["canteen", "pay", "dogs"]


def test_without_levers_it_is_plain_rag() -> None:
    llm = ScriptedLLM("At nine.")
    assert Stack(llm, Levers()).answer("When?", retrieve=Counting()).text == "At nine."
    assert asked(llm).count("Payday") == 1


def test_a_cache_needs_a_scope_and_a_router_its_models() -> None:
    stack = Stack(ScriptedLLM("x"), Levers(cache=SemanticCache(None)))
    with pytest.raises(InputError, match="scope"):
        stack.answer("When?", retrieve=Counting())
    with pytest.raises(InputError, match="each tier"):
        Stack(ScriptedLLM("x"), Levers(router=Router(TIERS)))
    with pytest.raises(InputError, match="cheap"):
        Stack({"cheap": ScriptedLLM("x")}, Levers(router=Router(TIERS)))
    with pytest.raises(InputError, match="without a router"):
        Stack({"cheap": ScriptedLLM("x")}, Levers())


def test_levers_that_fight_are_refused_with_the_reason() -> None:
    hot = PromptLayout(rules_for("claude-sonnet-4-5"), hot=("rules",))
    with pytest.raises(InputError, match="written to the cache each time"):
        Levers(compress=ExtractiveCompressor(), layout=hot)
    with pytest.raises(InputError, match="same limit"):
        Levers(router=Router(TIERS), output=OutputBudget({}))
    with pytest.raises(InputError, match="rules of claude-sonnet-4-5"):
        Levers(router=Router(TIERS), layout=hot)
    Levers(rerank=WordOverlapReranker(), layout=hot)
    Levers(compress=ExtractiveCompressor(), layout=PromptLayout(hot=("rules",)))
