"""A budget at work: who gets it, what it sends, when it gives way."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from ragthrift import Completion, InputError, Message, Usage
from ragthrift.prompt.output import Allowance, BudgetedLLM, OutputBudget
from ragthrift.protocols import LLM
from ragthrift.testing import LLMContract, ScriptedLLM

ALLOWED = Allowance(words=60, answer_tokens=100)


def budget(allowance: Allowance = ALLOWED, **options: object) -> OutputBudget:
    return OutputBudget({"faq": allowance}, **{"holdout": 0.0, **options})  # type: ignore[arg-type]


def said(tokens: int, finish_reason: str = "stop") -> Completion:
    return Completion("Yes.", Usage(500, tokens), "m", finish_reason)  # type: ignore[arg-type]


class TestBudgeted(LLMContract):
    """An LLM under a budget is an LLM."""

    def make(self) -> LLM:
        llm = ScriptedLLM("Soup, bread and fish, from eleven until two on each day of the week.")
        return BudgetedLLM(llm, budget(), request_type="faq")


def test_the_instruction_is_last_and_all_before_it_is_untouched() -> None:
    llm = ScriptedLLM("Yes.")
    talk = [Message("system", "Rules."), Message("user", "Docs. Question?")]
    BudgetedLLM(llm, budget(), request_type="faq").complete(talk)
    assert llm.calls[0][0] == talk[0]
    assert llm.calls[0][1].content.startswith("Docs. Question?\n\nAnswer in at most 60 words.")


def test_behind_a_tool_result_it_is_a_message_of_its_own() -> None:
    llm = ScriptedLLM("Yes.")
    talk = [Message("user", "Q?"), Message("tool", "found", tool_call_id="1")]
    BudgetedLLM(llm, budget(), request_type="faq").complete(talk)
    assert llm.calls[0][:2] == tuple(talk)
    assert llm.calls[0][2].role == "user"


def test_the_hold_out_is_a_share_and_the_same_in_every_process() -> None:
    drawn = [n for n in range(5000) if budget(holdout=0.1).held_out(f"thread-{n}")]
    assert 400 < len(drawn) < 600
    code = (
        "import json; from ragthrift.prompt.output import OutputBudget\n"
        "b = OutputBudget({}, holdout=0.1)\n"
        "print(json.dumps([n for n in range(5000) if b.held_out(f'thread-{n}')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) == drawn


def test_who_is_held_out_gets_neither_words_nor_a_limit() -> None:
    own = budget(holdout=0.5)
    held = next(f"t{n}" for n in count() if own.held_out(f"t{n}"))
    asking = own.asking("faq", held, limit=900)
    assert (asking.instruction, asking.max_tokens) == ("", 900)


def test_a_larger_hold_out_keeps_those_of_a_smaller_one() -> None:
    few, many = budget(holdout=0.1), budget(holdout=0.3)
    assert all(many.held_out(f"{n}") for n in range(500) if few.held_out(f"{n}"))


def test_a_type_without_an_allowance_is_left_alone() -> None:
    asking = budget().asking("report", "x")
    assert (asking.instruction, asking.max_tokens) == ("", None)
    assert "no allowance" in asking.plan.reason


def test_the_callers_own_limit_is_never_passed() -> None:
    assert budget().asking("faq", "x", limit=40).max_tokens == 40
    retried = budget(retry=True).asking("faq", "x", limit=150)
    assert retried.again("length", Usage(500, 100))
    assert retried.max_tokens == 150


def test_what_the_callers_own_limit_cut_is_not_asked_again() -> None:
    asking = budget(retry=True).asking("faq", "x", limit=40)
    assert not asking.again("length", Usage(500, 40))


def test_a_cut_answer_is_asked_for_once_more_where_that_is_wanted_and_both_count() -> None:
    own = budget(retry=True)
    llm = ScriptedLLM([said(100, "length"), said(130)])
    answer = BudgetedLLM(llm, own, request_type="faq").complete([Message("user", "Q?")])
    assert answer.usage == Usage(1000, 230)
    assert own.tally.counts() == {"budgeted": 1, "truncated": 1}
    plain = ScriptedLLM([said(100, "length")])
    cut = BudgetedLLM(plain, budget(), request_type="faq").complete([Message("user", "Q?")])
    assert cut.finish_reason == "length"


def test_a_second_try_that_is_cut_too_ends_it() -> None:
    llm = ScriptedLLM([said(100, "length"), said(400, "length")])
    answer = BudgetedLLM(llm, budget(retry=True), request_type="faq").complete(
        [Message("user", "Q?")]
    )
    assert (answer.finish_reason, len(llm.calls)) == ("length", 2)


def test_the_limit_rises_where_too_many_are_cut() -> None:
    own = budget()
    for n in range(25):
        own.asking("faq", f"{n}").again("length" if n % 10 == 0 else "stop", Usage(500, 90))
    assert own.allowances["faq"].answer_tokens == 150
    assert own.tally.counts()["raised"] == 1


def test_the_limit_stays_where_few_are_cut() -> None:
    own = budget()
    for n in range(400):
        own.asking("faq", f"{n}").again("length" if n % 50 == 0 else "stop", Usage(500, 90))
    assert own.allowances["faq"].answer_tokens == 100


def test_a_model_that_thinks_gets_no_limit_until_its_thinking_is_known() -> None:
    unknown = budget().asking("faq", "x", thinks=True)
    assert unknown.max_tokens is None
    assert unknown.instruction
    assert "thinks" in unknown.plan.reason
    known = budget(Allowance(words=60, answer_tokens=100, reasoning_tokens=900))
    assert known.asking("faq", "x", thinks=True).max_tokens == 1000


def test_a_model_that_turns_out_to_think_loses_its_limit_at_the_first_cut() -> None:
    own = budget()
    own.asking("faq", "1").again("length", Usage(500, 100), 100)
    assert own.asking("faq", "2").max_tokens is None


def test_a_failing_wording_leaves_the_call_alone() -> None:
    def broken(words: int) -> str:
        raise RuntimeError("no words")

    own = budget(wording=broken)
    asking = own.asking("faq", "x", limit=70)
    assert (asking.instruction, asking.max_tokens) == ("", 70)
    assert own.tally.failures() == {"plan": 1}
    with pytest.raises(RuntimeError, match="no words"):
        budget(wording=broken, on_error="raise").asking("faq", "x")


def test_threads_share_it() -> None:
    own = budget()

    def ask(n: int) -> None:
        own.asking("faq", f"{n}").again("stop", Usage(500, 50))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(800)))
    assert own.tally.counts() == {"budgeted": 800}
    assert own.saving().calls == 800


def test_shares_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="holdout"):
        budget(holdout=1.0)
    with pytest.raises(InputError, match="answer_tokens=0"):
        Allowance(answer_tokens=0)
