"""Calls out of what other tools export."""

import csv
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ragthrift.errors import InputError
from ragthrift.ledger import Call, open_ledger, signature
from ragthrift.ledger.imports import FORMS, read_calls
from ragthrift.usage import Usage
from tests.ledger import exports

AT = 1_794_322_800.0
CACHED = Usage(5050, 80, cache_read_tokens=3000, cache_write_tokens=2000)
QUESTION = signature("When is soup served on Monday?")


def lines(path: Path, *records: Mapping[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def read(path: Path, form: str) -> dict[str, Call]:
    """By id; the same whether the format is named or guessed."""
    reader = read_calls(path)
    assert reader.form == form
    calls = list(reader)
    assert (reader.malformed, reader.first_malformed) == (0, "")
    assert calls == list(read_calls(path, form=form))
    return {call.id: call for call in calls}


def test_opentelemetry(tmp_path: Path) -> None:
    calls = read(lines(tmp_path / "spans.jsonl", exports.OTEL, exports.PYTHON_SPAN), "otel")
    assert set(calls) == {"02", "03", "04", "0x07"}
    new, old, flex, late = calls.values()
    assert new.usage == old.usage == CACHED
    assert (new.model, new.provider, new.max_tokens) == ("claude-haiku-4-5", "anthropic", 400)
    assert (new.at, new.seconds, new.truncated) == (AT, 2.5, True)
    assert (new.request_type, new.trace) == ("answer_question", "7a" * 16)
    assert [segment.kind for segment in new.segments] == ["system", "question"]
    assert sum(segment.tokens for segment in new.segments) == 5050
    assert new.question == QUESTION
    assert (flex.usage, flex.processing) == (Usage(900, 60), "flex")
    assert dict(flex.classes) == {"output_reasoning_tokens": 20}
    assert (late.error, late.seconds, late.request_type) == (
        "TimeoutError",
        2.5,
        "untagged",
    )


def test_openinference(tmp_path: Path) -> None:
    (call,) = read(
        lines(tmp_path / "phoenix.jsonl", *exports.OPENINFERENCE), "openinference"
    ).values()
    assert call.usage == CACHED
    assert dict(call.classes) == {"output_reasoning_tokens": 30}
    assert (call.request_type, call.session, call.max_tokens) == ("RetrievalQA", "ann", 400)
    assert call.question == QUESTION
    columns = {"context.span_id": "s2", "context.trace_id": "t1", "name": "x", "start_time": 1.5}
    columns |= {"span_kind": "LLM"}
    columns["attributes.llm.model_name"] = "gpt-5-mini"
    columns["attributes.llm.token_count.prompt"] = 7
    (row,) = read(lines(tmp_path / "frame.jsonl", columns), "openinference").values()
    assert (row.model, row.usage, row.at) == ("gpt-5-mini", Usage(7), 1.5)


def test_langsmith(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(exports.LANGSMITH, indent=1))
    hour, failed = read(path, "langsmith").values()
    assert hour.usage == CACHED
    assert dict(hour.classes) == {"cache_write_1h_tokens": 2000}
    assert (hour.request_type, hour.session, hour.tags) == ("faq_chain", "ann", ("eu",))
    assert (hour.first_token_seconds, hour.truncated, hour.max_tokens) == (0.5, True, 400)
    assert hour.question == QUESTION
    assert (failed.usage, failed.model) == (Usage(900, 60, 640), "gpt-5-mini")
    assert (failed.request_type, failed.error) == ("search", "RateLimitError")
    used = exports.LANGSMITH[1]["outputs"]["generations"][0][0]["message"]["kwargs"]
    hit = {**used, "usage_metadata": {**used["usage_metadata"], "total_cost": 0}}
    outputs = {"generations": [[{"message": {"kwargs": hit}}]]}
    served = lines(tmp_path / "hit.jsonl", {**exports.LANGSMITH[1], "outputs": outputs})
    assert [call.answered_by_cache for call in read_calls(served)] == [True]
    assert not hour.answered_by_cache


def test_langfuse(tmp_path: Path) -> None:
    cached, failed = read(lines(tmp_path / "lf.jsonl", *exports.LANGFUSE), "langfuse").values()
    assert cached.usage == CACHED
    assert dict(cached.classes) == {"output_reasoning_tokens": 30}
    assert (cached.request_type, cached.max_tokens, cached.seconds) == ("faq", 400, 2.5)
    assert cached.first_token_seconds == 0.5
    assert cached.question == QUESTION
    assert failed.usage == Usage(900, 60, cache_read_tokens=640)
    assert (failed.model, failed.error) == ("gpt-5-mini", "RateLimitError")


def test_litellm_as_json_and_as_a_table(tmp_path: Path) -> None:
    as_json = tmp_path / "spend.json"
    as_json.write_text(json.dumps({"data": exports.LITELLM}, indent=1))
    cached, hit = read(as_json, "litellm").values()
    assert cached.usage == CACHED
    assert dict(cached.classes) == {"cache_write_1h_tokens": 2000}
    assert (cached.model, cached.provider) == ("claude-haiku-4-5", "anthropic")
    assert (cached.request_type, cached.answered_by_cache) == ("faq", False)
    assert (hit.usage, hit.answered_by_cache) == (Usage(900, 60), True)
    table = tmp_path / "spend.csv.gz"
    with gzip.open(table, "wt", newline="") as file:
        writer = csv.DictWriter(file, sorted({key for row in exports.LITELLM for key in row}))
        writer.writeheader()
        writer.writerows(exports.LITELLM)
    assert list(read(table, "litellm").values()) == [cached, hit]
    reader = read_calls(table)
    assert (len(list(reader)), reader.skipped) == (2, 1)


@pytest.mark.parametrize("name", ["calls.jsonl", "calls.db"])
def test_ledgers_are_read_too(tmp_path: Path, name: str) -> None:
    call = Call(model="m", usage=Usage(5, 1))
    with open_ledger(tmp_path / name) as ledger:
        ledger.record(call)
    assert list(read_calls(tmp_path / name)) == [call]


def test_what_is_malformed_is_counted_and_the_first_is_named(tmp_path: Path) -> None:
    path = lines(tmp_path / "runs.jsonl", *exports.LANGSMITH, {"run_type": "llm", "id": "r9"})
    with open(path, "a") as file:
        file.write('{"run_type": "ll\n17\n')
    reader = read_calls(path)
    for _ in range(2):  # it can be read again, and counts anew
        assert len(list(reader)) == 2
        assert (reader.skipped, reader.malformed) == (1, 3)
        assert reader.first_malformed.startswith("record 4: run r9 has no usage")


def test_what_is_none_of_them_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "other.jsonl", {"a": 1}, {"b": 2})
    with pytest.raises(InputError, match="--format") as raised:
        read_calls(path)
    assert all(form in str(raised.value) for form in FORMS)
    with pytest.raises(InputError, match="unknown format"):
        read_calls(path, form="csv")
    with pytest.raises(InputError, match="no file"):
        read_calls(tmp_path / "none.jsonl")
    (tmp_path / "empty.json").write_text("")
    with pytest.raises(InputError, match="none of the formats"):
        read_calls(tmp_path / "empty.json")
