"""The LoCoMo replay counts what it says."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import memory
from benchmarks.memory_evidence import Finding, last_turns
from benchmarks.memory_replay import SYSTEM, Cost, Remembering, Writer, ids_of, replay
from benchmarks.memory_sets import Talk, read_talk
from benchmarks.memory_systems import Window, ours
from ragthrift import Message, Usage
from ragthrift.tokens import OpenAITokens
from tests.memory.recall.talks import COUNTER, chatter

WORDS = " ".join(f"word{n}" for n in range(60))


def lines(texts: list[str], session: int) -> list[dict[str, Any]]:
    return [
        {"speaker": "Ann" if n % 2 else "Ben", "dia_id": f"D{session}:{n + 1}", "text": text}
        for n, text in enumerate(texts)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    first = lines([*chatter(20), "My parrot is called Plato.", "Hi Plato!"], 1)
    first[21]["blip_caption"] = "a photo of a parrot"
    record = {
        "speaker_a": "Ann",
        "speaker_b": "Ben",
        "session_10_date_time": "9:05 pm on 2 June, 2023",
        "session_10": lines([f"{text} {WORDS}" for text in chatter(60)], 10),
        "session_2_date_time": "1:56 pm on 8 May, 2023",
        "session_2": first,
        "session_3_date_time": "1:56 pm on 9 May, 2023",
        "session_2_observation": {"Ben": [["Ben has a parrot", "D1:21"]]},
        "qa": [
            {"question": "What is the parrot called?", "evidence": ["D:1:21"], "category": 4},
            {"question": "Who saw it?", "evidence": ["D1:21; D10:3"], "category": 1},
            {"question": "Never said?", "evidence": ["D1:21"], "category": 5},
            {"question": "Nowhere?", "evidence": [], "category": 4},
        ],
    }
    file = tmp_path / "locomo_1.json.gz"
    file.write_bytes(gzip.compress(json.dumps(record).encode()))
    return file


@pytest.fixture
def talk(path: Path) -> Talk:
    return read_talk(path, COUNTER)


def test_a_talk_is_read_in_order(talk: Talk) -> None:
    assert len(talk.turns) == 82
    assert talk.turns[21].message == Message("user", "Ann: Hi Plato! [shares a photo of a parrot]")
    assert talk.turns[21].at < talk.turns[22].at
    called = talk.turns[20].id
    assert [q.evidence for q in talk.questions] == [{called}, {called, talk.turns[24].id}]
    assert [fact.turn_ids for fact in talk.facts] == [(called,)]


def test_evidence_is_all_or_nothing(talk: Talk) -> None:
    assert Finding(None).found([talk], 120) == [1.0, 0.0]
    assert last_turns([talk], 120) == 0.0
    assert last_turns([talk], 100_000) == 100.0


def test_a_cost_counts_each_token_once() -> None:
    cost = Cost(2, 3000, 1000, 1600, Usage(500, 100), 1) + Cost(1, 1000, 0, 1000)
    assert cost.at(1.0) == pytest.approx((4000 + 500 + 400) / 1e6)
    assert cost.at(0.1) == pytest.approx((3000 + 100 + 500 + 400) / 1e6)
    assert cost.figures()["summariser_calls_per_100_turns"] == 33.33


def test_a_cache_serves_what_two_prompts_begin_with(talk: Talk) -> None:
    full = replay(talk, lambda _writer: Window())
    asked = [n for n, message in enumerate(talk.messages) if message.role == "user"]
    sizes = [len(ids_of(message)) for message in [SYSTEM, *talk.messages]]
    prompts = [sum(sizes[: n + 2]) for n in asked]
    assert (full.calls, full.tokens) == (len(asked), sum(prompts))
    served = [n // 128 * 128 for n in prompts[:-1] if n >= 1024]
    assert full.cached == sum(served)
    assert replay(talk, lambda _writer: Window(2)).cached == 0


def test_a_prompt_that_changes_within_a_message_is_served_up_to_there(talk: Talk) -> None:
    class Same(Remembering):
        def __init__(self) -> None:
            self._calls = 0

        def prompt(self, said: Any) -> list[Message]:
            self._calls += 1
            return [Message("user", f"{' '.join([WORDS] * 20)} {self._calls}")]

        def answered(self, said: Any) -> None:
            pass

    cost = replay(talk, lambda _writer: Same())
    assert 0 < cost.tokens - cost.cached < cost.calls * 129 + cost.longest


def test_a_writer_says_what_it_read_and_wrote() -> None:
    writer = Writer()
    first, second = (writer.write([SYSTEM]) for _ in range(2))
    assert first != second
    assert writer.calls == 2
    assert writer.usage.input_tokens == 2 * len(ids_of(SYSTEM))
    assert 150 <= OpenAITokens().count(first) <= 250


def test_ours_costs_less_than_the_whole_history_and_says_the_last_message(talk: Talk) -> None:
    mine, full = replay(talk, ours(0.1, None)), replay(talk, lambda _writer: Window())
    assert mine.calls == full.calls
    assert mine.summaries > 0
    assert mine.at(0.1) < full.at(0.1)


def test_the_last_line_is_the_result(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["memory", "--locomo", str(path), "--embedder", "none", "--json"]
    monkeypatch.setattr(sys, "argv", command)
    memory.main()
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert {
        "evidence@500",
        "evidence@2000",
        "cost@1.0",
        "cost@0.1",
        "summariser_calls_per_100_turns",
        "cached_share",
    } <= set(found)
    assert set(found["others"]) == {
        "ours, summaries by a model",
        "full history",
        "last 20 messages",
    }
    assert found["others"]["ours, summaries by a model"]["summariser_tokens"] > 0
