"""What only one of the providers does."""

import json
from pathlib import Path

import pytest

from ragthrift import InputError, Message, ToolCall
from ragthrift.batch import AnthropicBatches, BatchRequest, OpenAIBatches, Pace
from tests.batch.anthropic_api import AnthropicApi
from tests.batch.asking import asked, provider_for, questions, run_once, runner_for
from tests.batch.loopback import Fault, Loopback
from tests.batch.openai_api import OpenAIApi

PATIENT = Pace(first=0.01, longest=0.02, settle=0.0)


def test_a_full_queue_is_waited_for(openai: Loopback, tmp_path: Path) -> None:
    assert isinstance(openai.api, OpenAIApi)
    full = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": None}
    openai.api.refuse = [[full], [full]]
    with runner_for(openai, tmp_path) as runner:
        assert runner.submit(asked(*questions(3))).wait(20).done
    assert len(openai.api.batches) == 3
    assert len([f for f in openai.api.files.values() if f["purpose"] == "batch"]) == 1
    assert run_once(openai, questions(3))


def test_lines_that_are_at_fault_do_not_end_the_others(openai: Loopback, tmp_path: Path) -> None:
    assert isinstance(openai.api, OpenAIApi)
    openai.api.refuse = [[{"code": "invalid_request", "message": "no such model", "line": 2}]]
    with runner_for(openai, tmp_path) as runner:
        job = runner.submit(asked(*questions(3)))
        assert job.wait(20).states == {"answered": 2, "failed": 1}
        assert "no such model" in job.results()["question 1"].error
    assert run_once(openai, ["question 0", "question 2"])


def test_a_batch_that_is_refused_as_a_whole_fails(openai: Loopback, tmp_path: Path) -> None:
    assert isinstance(openai.api, OpenAIApi)
    openai.api.most_requests = 2
    with runner_for(openai, tmp_path) as runner:
        assert runner.submit(asked(*questions(3))).wait(20).states == {"failed": 3}


def test_what_the_results_leave_out_is_asked_again(openai: Loopback, tmp_path: Path) -> None:
    assert isinstance(openai.api, OpenAIApi)
    openai.api.plans = {"question 1": ["missing", "ok"]}
    with runner_for(openai, tmp_path) as runner:
        assert runner.submit(asked(*questions(3))).wait(20).states == {"answered": 3}
    assert run_once(openai, questions(3))


@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_upload_that_was_not_confirmed_is_not_repeated(
    openai: Loopback, tmp_path: Path, drop: str
) -> None:
    assert isinstance(openai.api, OpenAIApi)
    for n in range(45):  # more than two pages of other files and batches
        openai.api._keep_file(f"other-{n}.jsonl", "", "batch")
    openai.faults += [Fault("POST /v1/files", drop=drop), Fault("POST /v1/batches", drop=drop)]
    with runner_for(openai, tmp_path) as runner:
        assert runner.submit(asked(*questions(3))).wait(20).done
    mine = [f for f in openai.api.files.values() if f["filename"].startswith("ragthrift-")]
    assert len(mine) == 1
    assert len(openai.api.batches) == 1


def other(count: int, name: str = "other") -> list[dict[str, object]]:
    """What somebody else's program sends, of the same size."""
    turn = {"role": "user", "content": [{"type": "text", "text": name}]}
    params = {"model": "m", "max_tokens": 9, "messages": [turn]}
    return [{"custom_id": f"{name}-{n}", "params": params} for n in range(count)]


@pytest.mark.parametrize("drop", ["before", "after"])
def test_among_batches_of_others_ours_is_found_by_its_custom_ids(
    anthropic: Loopback, tmp_path: Path, drop: str
) -> None:
    api = anthropic.api
    assert isinstance(api, AnthropicApi)
    api.add(other(5, "before"))

    def somebody_else() -> None:
        for n in range(25):
            api.finish(api.add(other(5, f"same-time-{n}"))["id"])

    anthropic.faults.append(Fault("POST /v1/messages/batches", drop=drop, then=somebody_else))
    with runner_for(anthropic, tmp_path) as runner:
        job = runner.submit(asked(*questions(5)))
        assert job.wait(20).done
        assert set(job.results()) == set(questions(5))
    assert {name: n for name, n in api.ran.items() if name.startswith("question")} == dict.fromkeys(
        questions(5), 1
    )
    assert len(api.batches) == 27  # one was there, 25 came at the same time, one is ours


def test_while_one_that_may_be_ours_is_running_nothing_is_sent_again(
    anthropic: Loopback, tmp_path: Path
) -> None:
    api = anthropic.api
    assert isinstance(api, AnthropicApi)
    api.looks_needed = 1000
    anthropic.faults.append(
        Fault("POST /v1/messages/batches", drop="before", then=lambda: api.add(other(2)))
    )
    with runner_for(anthropic, tmp_path, pace=PATIENT) as runner:
        job = runner.submit(asked(*questions(2)))
        assert "it may be msgbatch_0000" in job.wait(0.2).notes[0]
        assert len(api.batches) == 1
        api.finish("msgbatch_0000")  # somebody else's, as its custom ids say
        api.looks_needed = 2
        assert job.wait(20).done
    assert api.ran["question 0"] == api.ran["question 1"] == 1


def test_two_jobs_of_one_size_do_not_take_each_others_batch(
    anthropic: Loopback, tmp_path: Path
) -> None:
    anthropic.faults.append(Fault("POST /v1/messages/batches", drop="after", after_calls=1))
    with runner_for(anthropic, tmp_path) as runner:
        first = runner.submit(asked("a 1", "a 2"), job="a")
        second = runner.submit(asked("b 1", "b 2"), job="b")
        assert second.wait(20).done
        assert first.wait(20).done
        assert (set(first.results()), set(second.results())) == ({"a 1", "a 2"}, {"b 1", "b 2"})
    assert run_once(anthropic, ["a 1", "a 2", "b 1", "b 2"])


def test_anthropics_form_of_a_conversation(anthropic: Loopback) -> None:
    provider = provider_for(anthropic)
    talk = [
        Message("system", "Be brief."),
        Message("user", "And the menu?"),
        Message("assistant", "", (ToolCall("c1", "menu", '{"day": 1}'), ToolCall("c2", "menu"))),
        Message("tool", "soup", tool_call_id="c1"),
        Message("tool", "bread", tool_call_id="c2"),
    ]
    body = provider.body(BatchRequest(id="1", messages=talk, stop=["END"]))
    assert body["system"] == "Be brief."
    assert body["stop_sequences"] == ["END"]
    assert body["max_tokens"] == 1024
    turns = body["messages"]
    assert isinstance(turns, list)
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert [block["tool_use_id"] for block in turns[2]["content"]] == ["c1", "c2"]
    assert turns[1]["content"][0]["input"] == {"day": 1}
    json.dumps(body)
    with pytest.raises(InputError, match="system messages alone"):
        provider.body(BatchRequest(id="1", messages=talk[:1]))


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, openai: Loopback) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        OpenAIBatches("m")
    with pytest.raises(InputError, match="ANTHROPIC_API_KEY"):
        AnthropicBatches("m")
    monkeypatch.setenv("OPENAI_API_KEY", "the-key")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{openai.address}/v1/")
    provider = OpenAIBatches("m")
    assert provider.describe()["base_url"] == f"{openai.address}/v1"
    provider.close()
