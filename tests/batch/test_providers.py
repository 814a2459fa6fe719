"""What holds for both providers, over HTTP."""

import time
from pathlib import Path

import pytest

from ragthrift import InputError, Message, Tool
from ragthrift.batch import BatchRequest, BatchRunner, Limits, Pace, RefusedError
from ragthrift.ledger import Call
from ragthrift.ledger.pricing import Prices
from ragthrift.ledger.sqlite_ledger import SqliteLedger
from tests.batch.anthropic_api import AnthropicApi
from tests.batch.asking import Api, asked, provider_for, questions, run_once, runner_for
from tests.batch.loopback import Fault, Loopback
from tests.batch.openai_api import OpenAIApi

FAILS = {OpenAIApi: "500", AnthropicApi: "overloaded_error"}
REFUSES = {OpenAIApi: "400", AnthropicApi: "invalid_request_error"}
CREATE = r"POST .*/batches"


def api_of(server: Loopback) -> Api:
    assert isinstance(server.api, Api)
    return server.api


def test_results_come_by_the_callers_ids_in_whatever_order(
    server: Loopback, tmp_path: Path
) -> None:
    wanted = [*questions(40), "schöne Grüße & <tags>", "x" * 200]
    with runner_for(server, tmp_path) as runner:
        job = runner.submit(asked(*wanted))
        assert job.wait(20).done
        results = job.results()
    assert list(results) == wanted
    for question, result in results.items():
        assert result.completion is not None
        assert result.completion.text == f"About {question}"
        assert result.completion.usage.input_tokens == 1000
    assert run_once(server, wanted)


def test_a_job_is_split_by_the_limits(server: Loopback, tmp_path: Path) -> None:
    api_of(server).plans["question 3"] = ["ok"]
    with runner_for(server, tmp_path, limits=Limits(requests=7, bytes=2_000_000)) as runner:
        assert runner.submit(asked(*questions(20))).wait(20).done
    assert len(api_of(server).batches) == 3
    assert run_once(server, questions(20))


def test_a_job_is_split_by_bytes(server: Loopback, tmp_path: Path) -> None:
    long = [f"{n} " + "ü" * 2_000 for n in range(6)]
    with runner_for(server, tmp_path, limits=Limits(requests=1000, bytes=20_000)) as runner:
        assert runner.submit(asked(*long)).wait(20).done
        with pytest.raises(InputError, match="larger than a batch may be"):
            runner.submit(asked("ü" * 20_000))
    assert len(api_of(server).batches) > 1
    assert run_once(server, long)


def test_what_failed_by_no_fault_of_its_own_is_asked_again(
    server: Loopback, tmp_path: Path
) -> None:
    fails = FAILS[type(api_of(server))]
    api_of(server).plans |= {"question 1": [fails, "ok"], "question 2": ["expired", "ok"]}
    with runner_for(server, tmp_path) as runner:
        job = runner.submit(asked(*questions(5)))
        assert job.wait(20).done
        results = job.results()
    assert {result.state for result in results.values()} == {"answered"}
    assert [results[name].attempts for name in questions(5)] == [1, 2, 2, 1, 1]
    assert run_once(server, questions(5))


def test_what_fails_for_good_is_told_and_not_asked_again(server: Loopback, tmp_path: Path) -> None:
    api = api_of(server)
    api.plans |= {"question 0": [REFUSES[type(api)]], "question 1": [FAILS[type(api)]] * 9}
    with runner_for(server, tmp_path, attempts=2) as runner:
        job = runner.submit(asked(*questions(3)))
        progress = job.wait(20)
        results = job.results()
    assert progress.done
    assert progress.states == {"answered": 1, "failed": 2}
    assert "scripted" in results["question 0"].error
    assert (results["question 0"].attempts, results["question 1"].attempts) == (1, 2)


def test_busy_and_broken_servers_are_asked_again(server: Loopback, tmp_path: Path) -> None:
    server.faults += [
        Fault(CREATE, status=429, headers={"retry-after": "0.3"}),
        Fault(CREATE, status=503),
        Fault(r"GET .*/batches/\w+", status=500, times=2),
        Fault(r"GET .*/batches/\w+", drop="before"),
        Fault(r"GET .*/(results|content)", drop="half"),
    ]
    with runner_for(server, tmp_path) as runner:
        job = runner.submit(asked(*questions(30)))
        first = job.progress()
        assert job.wait(20).done
        assert len(job.results()) == 30
    assert first.states == {"sent": 30}
    assert run_once(server, questions(30))
    assert all(fault.times == 0 for fault in server.faults)


def test_retry_after_is_honoured(server: Loopback, tmp_path: Path) -> None:
    server.faults.append(Fault(CREATE, status=429, headers={"retry-after": "1"}, times=2))
    begun = time.monotonic()
    with runner_for(server, tmp_path, limits=Limits(requests=1, bytes=9_000)) as runner:
        job = runner.submit(asked(*questions(4)))
        asked_for = server.seen.total()
        again = job.poll()
        assert 0.5 < again.wait_seconds <= 1.0
        assert "left alone" in again.notes[0]
        assert server.seen.total() == asked_for
        assert job.wait(20).done
    assert time.monotonic() - begun > 2.0
    assert run_once(server, questions(4))


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_submission_that_was_not_confirmed_is_not_repeated(
    server: Loopback, tmp_path: Path, drop: str
) -> None:
    server.faults.append(Fault(CREATE, drop=drop))
    with runner_for(server, tmp_path) as runner:
        job = runner.submit(asked(*questions(5)))
        assert job.wait(20).done
    assert len(api_of(server).batches) == 1
    assert run_once(server, questions(5))


def test_nothing_is_submitted_again_before_the_provider_had_time_to_list_it(
    server: Loopback, tmp_path: Path
) -> None:
    server.faults.append(Fault(CREATE, drop="before"))
    with runner_for(server, tmp_path, pace=Pace(first=0.01, longest=0.05, settle=0.4)) as runner:
        job = runner.submit(asked("soup?"))
        created = [what for what in server.seen if what.startswith("POST ") and "batches" in what]
        progress = job.poll()
        assert 0 < progress.wait_seconds <= 0.4
        assert "not confirmed" in progress.notes[0]
        assert [server.seen[what] for what in created] == [1]
        assert job.wait(20).done
    assert run_once(server, ["soup?"])


def test_the_same_requests_are_the_same_job(server: Loopback, tmp_path: Path) -> None:
    with runner_for(server, tmp_path) as runner:
        job = runner.submit(asked(*questions(3)))
        assert runner.submit(asked(*questions(3))).id == job.id
        assert job.wait(20).done
    with runner_for(server, tmp_path) as runner:
        assert runner.submit(asked(*questions(3))).poll().done
        assert run_once(server, questions(3))
        runner.submit(asked(*questions(3)), job="again").wait(20)
        assert runner.jobs() == [job.id, "again"]
        with pytest.raises(InputError, match="with other requests"):
            runner.submit(asked("another"), job="again")
    assert set(api_of(server).ran.values()) == {2}


def test_cancelling_keeps_what_is_answered(server: Loopback, tmp_path: Path) -> None:
    with runner_for(server, tmp_path) as runner:
        done = runner.submit(asked(*questions(2)), job="done")
        done.wait(20)
        job = runner.submit(asked("late 1", "late 2"), job="late")
        job.cancel()
        assert job.wait(20).states == {"cancelled": 2}
        assert done.cancel().states == {"answered": 2}
        assert all("cancel" in result.error for result in job.results().values())
    assert run_once(server, questions(2))


def test_a_wrong_key_is_told_at_once_and_loses_nothing(server: Loopback, tmp_path: Path) -> None:
    wrong = provider_for(server, key="wrong")
    with BatchRunner(wrong, tmp_path / "batches.db") as runner:
        with pytest.raises(RefusedError, match="401"):
            runner.submit(asked(*questions(3)), job="mine")
        assert "wrong" not in str(wrong.describe())
    with runner_for(server, tmp_path) as runner:
        assert runner.job("mine").wait(20).done
    assert run_once(server, questions(3))


def test_a_server_that_is_away_is_waited_for(server: Loopback, tmp_path: Path) -> None:
    address = server.address
    server.close()
    with runner_for(server, tmp_path) as runner:
        job = runner.submit(asked("soup?"))
        progress = job.wait(0.2)
    assert not progress.done
    assert "cannot be reached" in progress.notes[0]
    assert address == server.address


def test_the_ledger_gets_each_answer_once_at_half_the_price(
    server: Loopback, tmp_path: Path
) -> None:
    ledger = SqliteLedger(tmp_path / "calls.db")
    with runner_for(server, tmp_path, ledger=ledger) as runner:
        job = runner.submit(asked(*questions(4)))
        job.wait(20)
        job.poll()
    calls = list(ledger.calls())
    assert len(calls) == 4
    assert {call.request_type for call in calls} == {"faq"}
    assert {call.processing for call in calls} == {"batch"}
    assert {call.max_tokens for call in calls} == {90}
    prices, call = Prices(), calls[0]
    sync = Call(
        model=call.model, provider=call.provider, usage=call.usage, classes=call.classes, at=call.at
    )
    half, whole = prices.dollars(call), prices.dollars(sync)
    assert half is not None
    assert whole is not None
    assert 2 * half == whole
    ledger.close()


def test_tools_and_schemas_reach_the_provider(server: Loopback, tmp_path: Path) -> None:
    menu = Tool("menu", "Dishes of a day", {"type": "object", "properties": {"day": {}}})
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string"}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    ask = [Message("user", "soup?")]
    with runner_for(server, tmp_path) as runner:
        job = runner.submit(
            [
                BatchRequest(id="tool", messages=ask, tools=[menu], tool_choice="required"),
                BatchRequest(id="schema", messages=ask, schema=schema, temperature=0.0),
            ]
        )
        job.wait(20)
        results = job.results()
    tool, form = results["tool"].completion, results["schema"].completion
    assert tool is not None
    assert form is not None
    assert (tool.finish_reason, tool.tool_calls[0].name) == ("tool_calls", "menu")
    assert form.text == '{"answer": "About soup?"}'


def test_what_cannot_be_sent_is_refused_before_anything_is(
    server: Loopback, tmp_path: Path
) -> None:
    with runner_for(server, tmp_path) as runner:
        with pytest.raises(InputError, match="two requests have the id"):
            runner.submit(asked("a", "a"))
        with pytest.raises(InputError, match="no request"):
            runner.submit([])
        with pytest.raises(InputError, match="there is no job 'x'"):
            runner.job("x")
    assert not server.seen
