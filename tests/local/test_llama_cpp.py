import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ragthrift.errors import (
    ContextOverflowError,
    InputError,
    MissingExtraError,
    ModelError,
    ModelNotFoundError,
)
from ragthrift.local import LlamaCppRuntime, LocalModel, load_model, read_gguf
from ragthrift.local.server import LlamaServer
from ragthrift.protocols import LLM, TokenCounter
from ragthrift.types import Completion, Message

pytestmark = pytest.mark.model

CAPITAL = [Message("user", "The capital of France is")]
COUNTING = [Message("user", "One, two, three, four, five,")]
QUESTION = [Message("user", "Which colour is the sky on a clear day?")]


def server_of(llm: LocalModel) -> LlamaServer:
    assert isinstance(llm.runtime, LlamaCppRuntime)
    return llm.runtime._server


def drain(answer: Generator[str, None, Completion]) -> tuple[list[str], Completion]:
    pieces = []
    while True:
        try:
            pieces.append(next(answer))
        except StopIteration as end:
            return pieces, end.value


def test_it_is_an_llm_and_an_exact_token_counter(smollm2: LocalModel) -> None:
    assert isinstance(smollm2, LLM)
    assert isinstance(smollm2, TokenCounter)
    assert smollm2.exact
    assert smollm2.model == "SmolLM2-135M-Instruct.Q4_1"


def test_tokens_are_those_of_the_vocabulary(smollm2: LocalModel) -> None:
    assert smollm2.count("") == 0
    assert smollm2.count("Hello world") == 2
    assert smollm2.count("<|im_start|>") == 1
    assert smollm2.count(" tea" * 100) == 100


def test_a_chat_answer_has_text_usage_and_model(smollm2: LocalModel) -> None:
    answer = smollm2.complete(QUESTION, max_tokens=24)
    assert "blue" in answer.text
    assert answer.model == smollm2.model
    framed = smollm2.count(
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        f"<|im_end|>\n<|im_start|>user\n{QUESTION[0].content}<|im_end|>\n<|im_start|>assistant\n"
    )
    assert answer.usage.input_tokens == framed
    assert 0 < answer.usage.output_tokens <= 24


def test_a_prompt_format_bypasses_the_template(continuing: LocalModel) -> None:
    answer = continuing.complete(CAPITAL, max_tokens=2)
    assert answer.text.startswith(" Paris")
    assert answer.usage.input_tokens == continuing.count(CAPITAL[0].content)


def test_max_tokens_ends_with_length_and_is_exact(continuing: LocalModel) -> None:
    answer = continuing.complete(COUNTING, max_tokens=7)
    assert answer.finish_reason == "length"
    assert answer.usage.output_tokens == 7
    assert continuing.count(answer.text) == 7


def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(continuing: LocalModel) -> None:
    answer = continuing.complete(COUNTING, max_tokens=30, stop=["eight"])
    assert answer.text == " six, seven, "
    assert answer.finish_reason == "stop"


def test_a_repeated_prompt_is_read_from_the_cache(continuing: LocalModel) -> None:
    prompt = [Message("user", "Ships sail on the sea. " * 10)]
    first = continuing.complete(prompt, max_tokens=4)
    again = continuing.complete(prompt, max_tokens=4)
    assert again.text == first.text
    assert again.usage.input_tokens == first.usage.input_tokens
    assert again.usage.cache_read_tokens == again.usage.input_tokens - 1
    assert again.usage.fresh_tokens == 1


@pytest.mark.parametrize("name", ["smollm2", "continuing"])
def test_a_stream_is_the_answer_in_pieces(name: str, request: pytest.FixtureRequest) -> None:
    llm: LocalModel = request.getfixturevalue(name)
    pieces, streamed = drain(llm.stream(COUNTING, max_tokens=12))
    whole = llm.complete(COUNTING, max_tokens=12)
    assert len(pieces) > 3
    assert "".join(pieces) == streamed.text == whole.text
    assert streamed.usage.output_tokens == whole.usage.output_tokens == 12
    assert streamed.finish_reason == whole.finish_reason


def test_a_closed_stream_stops_the_model(continuing: LocalModel) -> None:
    started = time.monotonic()
    continuing.complete(CAPITAL, max_tokens=40)
    time_of_40_tokens = time.monotonic() - started
    pieces = continuing.stream(CAPITAL, max_tokens=400)
    next(pieces)
    pieces.close()
    started = time.monotonic()
    continuing.complete(CAPITAL, max_tokens=1)
    assert time.monotonic() - started < time_of_40_tokens


def test_tokens_are_counted_while_an_answer_is_written(continuing: LocalModel) -> None:
    pieces = continuing.stream(CAPITAL, max_tokens=100)
    next(pieces)
    assert continuing.count("Hello world") == 2
    pieces.close()


def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers(continuing: LocalModel) -> None:
    prompt = [Message("user", " tea" * 600)]
    with pytest.raises(ContextOverflowError) as caught:
        continuing.complete(prompt, max_tokens=10)
    assert (caught.value.needed, caught.value.window) == (610, 512)


def test_prompt_and_answer_must_fit_together(continuing: LocalModel) -> None:
    prompt = [Message("user", " tea" * 501)]
    with pytest.raises(ContextOverflowError) as caught:
        continuing.stream(prompt, max_tokens=12)
    assert caught.value.needed == 513
    assert continuing.complete(prompt, max_tokens=11).usage.output_tokens == 11
    assert continuing.complete(prompt).usage.output_tokens == 11


def test_a_chat_that_does_not_fit_is_refused(smollm2: LocalModel) -> None:
    with pytest.raises(ContextOverflowError) as caught:
        smollm2.complete([Message("user", " tea" * 1000)], max_tokens=100)
    assert caught.value.needed > 1100
    assert caught.value.window == 1024


@pytest.mark.parametrize(
    ("messages", "max_tokens", "stop", "complaint"),
    [
        ([], None, (), "no message"),
        (CAPITAL, 0, (), "max_tokens=0"),
        (CAPITAL, None, "end", "sequence of texts"),
        (CAPITAL, None, ("end", ""), "not empty"),
        (CAPITAL, 3, ("\0",), "NUL"),
    ],
)
def test_requests_that_cannot_work_are_refused(
    smollm2: LocalModel,
    messages: list[Message],
    max_tokens: int | None,
    stop: Sequence[str],
    complaint: str,
) -> None:
    with pytest.raises(InputError, match=complaint):
        smollm2.complete(messages, max_tokens=max_tokens, stop=stop)


def test_a_prompt_format_that_writes_nothing_is_refused(continuing: LocalModel) -> None:
    with pytest.raises(InputError, match="empty prompt"):
        continuing.complete([Message("user", "")], max_tokens=3)


def test_the_port_is_closed_to_others(smollm2: LocalModel) -> None:
    address = urlsplit(server_of(smollm2).address).netloc
    connection = HTTPConnection(address)
    for headers in ({}, {"Authorization": "Bearer guessed"}):
        connection.request("POST", "/tokenize", '{"content": "x"}', headers)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 401
    connection.close()


def test_a_base_model_goes_on_with_a_few_shot_prompt(gemma: LocalModel) -> None:
    prompt = "Text: The key is red.\nColour: red\n\nText: The door is green.\nColour:"
    answer = gemma.complete([Message("user", prompt)], max_tokens=8, stop=["\n"])
    assert (answer.text, answer.finish_reason) == (" green", "stop")
    assert answer.usage.input_tokens == gemma.count(prompt) + 1  # the token that begins a prompt


def test_a_base_model_is_refused_for_chat(gemma_path: Path) -> None:
    assert read_gguf(gemma_path).chat_template is None
    with load_model(gemma_path, n_ctx=256) as llm:
        with pytest.raises(InputError, match=r"base model.*prompt_format"):
            llm.complete(QUESTION, max_tokens=5)
        assert llm.count("Hello") == 1


def test_two_models_live_in_one_process_and_close_alone(
    smollm2: LocalModel, smollm2_path: Path, gemma: LocalModel
) -> None:
    before = smollm2.complete(QUESTION, max_tokens=8).text
    text = "an uncharacteristically long sesquipedalian word"
    assert smollm2.count(text) != gemma.count(text)
    with load_model(smollm2_path, n_ctx=256, threads=1) as third:
        assert third.complete(QUESTION, max_tokens=8).text == before
    assert smollm2.complete(QUESTION, max_tokens=8).text == before


def test_a_closed_model_refuses_calls_and_running_ones_end_well(smollm2_path: Path) -> None:
    llm = load_model(smollm2_path, n_ctx=256)
    pieces = llm.stream(QUESTION, max_tokens=10)
    next(pieces)
    llm.close()
    llm.close()
    _, answer = drain(pieces)
    assert answer.usage.output_tokens > 0
    with pytest.raises(ModelError, match="closed"):
        llm.complete(QUESTION, max_tokens=1)
    with pytest.raises(ModelError, match="closed"):
        llm.count("tea")


def test_closing_frees_the_port_and_leaves_no_thread(smollm2_path: Path) -> None:
    before = threading.active_count()
    with load_model(smollm2_path, n_ctx=256) as llm:
        llm.complete(QUESTION, max_tokens=1)
        address = urlsplit(server_of(llm).address).netloc
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection(address).connect()
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"n_ctx": 0}, "from 1 to 8192"),
        ({"n_ctx": 8193}, "from 1 to 8192"),
        ({"threads": 0}, "threads=0"),
        ({"slots": 0}, "slots=0"),
        ({"cache_mib": -1}, "cache_mib=-1"),
        ({"speculation": "sometimes"}, "'off', 'auto' or 'on'"),
        ({"draft": "small.gguf"}, "speculation='on'"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    smollm2_path: Path, settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        load_model(smollm2_path, **settings)


def test_a_missing_file_and_a_file_of_another_kind_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"absent\.gguf"):
        load_model(tmp_path / "absent.gguf")
    page = tmp_path / "page.gguf"
    page.write_text("<html>404 not found, but saved as a model</html>")
    with pytest.raises(ModelError, match="not a usable GGUF model"):
        load_model(page)


def test_a_file_cut_in_its_last_tensor_is_refused(smollm2_path: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(smollm2_path.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="could not load"):
        load_model(cut)


def test_without_xllamacpp_the_extra_is_named(
    smollm2_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingExtraError, match=r'pip install "ragthrift\[local\]"'):
        load_model(smollm2_path)


def run_python(code: str, **environment: str) -> str:
    started = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (started.returncode, started.stderr) == (0, "")
    return started.stdout


LOAD = "from ragthrift.local import load_model, smollm2_135m; llm = load_model(smollm2_135m())"


def test_thread_settings_stand_unless_the_user_chose(smollm2_path: Path) -> None:
    show = "import os; print(os.environ['GOMP_SPINCOUNT'], os.environ['OMP_WAIT_POLICY'])"
    clean = {"GOMP_SPINCOUNT": "7", "OMP_WAIT_POLICY": "active"}
    assert run_python(f"{LOAD}; {show}", **clean) == "7 active\n"
    unset = "import os; [os.environ.pop(k, 0) for k in ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY')]"
    assert run_python(f"{unset}; {LOAD}; {show}") == "0 passive\n"


def test_import_is_free_and_silent() -> None:
    code = "import sys, ragthrift.local; print({'xllamacpp', 'numpy'} & set(sys.modules))"
    assert "xllamacpp" not in run_python(code)


def test_a_process_may_end_without_closing_amid_an_answer(smollm2_path: Path) -> None:
    code = (
        f"{LOAD}; from ragthrift import Message; "
        "pieces = llm.stream([Message('user', 'Tell a story.')], max_tokens=2000); "
        "next(pieces); print('told')"
    )
    assert run_python(code) == "told\n"


def test_an_interrupt_gets_through_while_the_model_writes(smollm2_path: Path) -> None:
    code = f"""
import signal
{LOAD}
from ragthrift import Message
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 1.0)
try:
    llm.complete([Message("user", "Write a long story about a ship.")], max_tokens=3000)
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted", llm.count("Hello world"))
"""
    assert run_python(code) == "interrupted 2\n"
