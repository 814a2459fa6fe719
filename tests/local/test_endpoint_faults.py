"""What a server does on a bad day, and what a caller sees of it."""

import socket
import threading
import time
from typing import Any

import pytest

from ragthrift.errors import ContextOverflowError, InputError, ModelError
from ragthrift.local.endpoint import EndpointRuntime
from ragthrift.local.endpoint_failures import EndpointError
from ragthrift.local.model import LocalModel
from ragthrift.route.faults import fault_of
from ragthrift.types import Message, Tool, ToolCall
from tests.local.endpoint_server import HEAD, events, reset, scripted, status, stream, words

ASKED = [Message("user", "When?")]
MENU = Tool("menu", "Dishes", {"type": "object", "properties": {"day": {"type": "string"}}})
GOOD = stream(events(*words("At ", "noon.")))


def model(url: str, **options: Any) -> LocalModel:
    return LocalModel(EndpointRuntime("m", url, **{"timeout": 5.0, **options}))


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 100_000])
def test_a_stream_may_be_split_anywhere(at_once: int) -> None:
    whole = b": ping\r\n\r\n" + events(*words("Grüße ", "🍲", "\ndata: x"))
    pieces = [whole[start : start + at_once] for start in range(0, len(whole), at_once)]
    with scripted(stream(*pieces)) as served:
        found = list(model(served.url).stream(ASKED))
    assert found == ["Grüße ", "🍲", "\ndata: x"]


def test_usage_counts_cached_tokens_and_the_body_asks_for_them() -> None:
    chunks = words("Now.", prompt_tokens_details={"cached_tokens": 5})
    with scripted(stream(events(*chunks))) as served:
        answer = model(served.url).complete(ASKED, max_tokens=9, stop=["\n"])
    assert (answer.text, answer.model, answer.finish_reason) == ("Now.", "m", "stop")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 1)
    assert answer.usage.cache_read_tokens == 5
    path, body = served.calls[0]
    assert path == "/v1/chat/completions"
    assert body["stream_options"] == {"include_usage": True}
    assert (body["max_tokens"], body["stop"], body["temperature"]) == (9, ["\n"], 0.0)


@pytest.mark.parametrize(
    "refusal",
    [
        status(429, {"error": {"message": "slow down"}}, "Retry-After: 0"),
        status(503, {"error": {"message": "Loading model"}}, "Retry-After: 0"),
        status(502, "<html>bad gateway</html>", "Retry-After: 0"),
        reset,
    ],
)
def test_what_passes_is_tried_again(refusal: Any) -> None:
    with scripted(refusal, GOOD) as served:
        assert model(served.url).complete(ASKED).text == "At noon."
    assert served.calls[0] == served.calls[1]


def test_tries_come_to_an_end() -> None:
    busy = status(429, {"error": {"message": "slow down"}}, "Retry-After: 0")
    with scripted(busy, busy) as served, pytest.raises(EndpointError, match="slow down") as caught:
        model(served.url, tries=2).complete(ASKED)
    assert caught.value.status_code == 429
    assert fault_of(caught.value) == "rate_limit", "a router may go on to another tier"


@pytest.mark.parametrize(
    ("code", "body", "kind", "told"),
    [
        (400, {"error": {"message": "no such field"}}, InputError, "no such field"),
        (422, {"detail": "messages missing"}, InputError, "messages missing"),
        (401, {"error": "wrong key"}, ModelError, r"wrong key \(HTTP 401\)"),
        (404, {"object": "error", "message": "no model m"}, ModelError, "no model m"),
        (500, "", ModelError, "no reason given"),
        (200, "data: {oops\n\n", ModelError, "broken JSON"),
    ],
)
def test_what_does_not_pass_is_told_at_once(
    code: int, body: object, kind: type[Exception], told: str
) -> None:
    with scripted(status(code, body)) as served, pytest.raises(kind, match=told):
        model(served.url).complete(ASKED)


@pytest.mark.parametrize(
    ("error", "needed", "window"),
    [
        (
            {
                "message": "This model's maximum context length is 4096 tokens. However, your "
                "messages resulted in 5000 tokens. Please reduce the length of the messages.",
                "code": "context_length_exceeded",
            },
            5000,
            4096,
        ),
        (
            "This model's maximum context length is 16384 tokens. However, you requested 122946 "
            "tokens (112946 in the messages, 10000 in the completion). Please reduce it.",
            122946,
            16384,
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 300. This model's maximum "
            "context length is 512 tokens and your request has 400 input tokens (300 > 512 - 400).",
            700,
            512,
        ),
        (
            "This model's maximum context length is 512 tokens. However, you requested 20 output "
            "tokens and your prompt contains at least 493 input tokens, for a total of at least "
            "513 tokens. Please reduce the length of the input prompt.",
            513,
            512,
        ),
        (
            "The prompt (total length 25938) is too long to fit into the model (context length "
            "4096). Make sure that `max_model_len` is no smaller than the number of text tokens.",
            25938,
            4096,
        ),
        (
            "The decoder prompt (length 2000) is longer than the maximum model length of 1024.",
            2000,
            1024,
        ),
        (
            {
                "message": "request (630 tokens) exceeds the available context size (512 tokens), "
                "try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 630,
                "n_ctx": 512,
            },
            630,
            512,
        ),
    ],
)
@pytest.mark.parametrize("in_stream", [False, True])
def test_overflow_is_known_by_the_words_of_each_server(
    error: Any, needed: int, window: int, in_stream: bool
) -> None:
    details = {"message": error} if isinstance(error, str) else error
    reply = {"error": {"code": 400, **details}}
    answer = stream(events(reply)) if in_stream else status(400, reply)
    with scripted(answer) as served, pytest.raises(ContextOverflowError) as caught:
        model(served.url).complete(ASKED)
    assert (caught.value.needed, caught.value.window) == (needed, window)


@pytest.mark.parametrize(
    "answer",
    [
        stream(events(*words("At ", "noon.", reason=None), done=False), end=False),
        stream(events(*words("At ")[:2], done=False), b'data: {"cho', end=False),
        stream(events(*words("At ")[:2], done=False)),
    ],
)
def test_a_cut_stream_is_no_answer(answer: Any) -> None:
    with scripted(answer) as served:
        pieces = model(served.url).stream(ASKED)
        assert next(pieces) == "At "
        with pytest.raises(ModelError, match=r"broke off|broken JSON|did not answer"):
            list(pieces)


def test_an_error_in_the_middle_is_told() -> None:
    broken = stream(events(*words("At ")[:2], {"error": {"message": "out of memory"}}))
    with scripted(broken) as served:
        pieces = model(served.url).stream(ASKED)
        assert next(pieces) == "At "
        with pytest.raises(ModelError, match="out of memory"):
            next(pieces)


def test_an_answer_without_its_tokens_is_refused() -> None:
    with (
        scripted(stream(events(*words("Now.")[:-1]))) as served,
        pytest.raises(ModelError, match="reports no tokens"),
    ):
        model(served.url).complete(ASKED)


def until_hung_up(line: socket.socket) -> None:
    """Says nothing."""
    line.recv(1)


def test_a_silent_server_is_given_up() -> None:
    with scripted(until_hung_up) as served:
        started = time.monotonic()
        with pytest.raises(ModelError, match=r"sent nothing for 0.2 s") as caught:
            model(served.url, timeout=0.2).complete(ASKED)
        assert time.monotonic() - started < 5
    assert fault_of(caught.value) == "timeout"


def test_nobody_there_is_told() -> None:
    with pytest.raises(ModelError, match="did not answer"):
        model("http://127.0.0.1:9/v1", tries=1).complete(ASKED)


def endless(line: socket.socket) -> None:
    """Talks until the caller has hung up."""
    line.sendall(HEAD)
    while True:
        piece = events(words("more ")[1], done=False)
        line.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        time.sleep(0.01)


def test_closing_the_generator_closes_the_connection() -> None:
    with scripted(endless) as served:
        pieces = model(served.url).stream(ASKED)
        assert next(pieces) == "more "
        pieces.close()
        assert served.hung_up.wait(5)


def test_another_thread_ends_a_call_that_waits() -> None:
    with scripted(until_hung_up) as served:
        pieces = model(served.url).stream(ASKED)
        timer = threading.Timer(0.3, pieces.close)
        timer.start()
        with pytest.raises(ModelError):
            next(pieces)
        timer.join()
    assert len(served.calls) == 1, "a call that was ended is not tried again"


def _call(place: int, arguments: str, name: str = "", number: str = "") -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    call = {"index": place, "function": function, **({"id": number} if number else {})}
    return {"choices": [{"delta": {"tool_calls": [call]}}]}


def test_tool_calls_are_put_together() -> None:
    end = words(reason="tool_calls")[1:]
    parts = [
        _call(0, "", "menu", "a"),
        _call(0, '{"day": '),
        _call(1, "{}", "menu", "b"),
        _call(0, '"today"}'),
    ]
    with scripted(stream(events(*parts, *end))) as served:
        answer = model(served.url).complete(ASKED, tools=[MENU], tool_choice="menu")
    assert answer.finish_reason == "tool_calls"
    assert answer.tool_calls == (ToolCall("a", "menu", '{"day": "today"}'), ToolCall("b", "menu"))
    body = served.calls[0][1]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "menu"}}
    assert body["tools"][0]["function"]["parameters"]["properties"] == {"day": {"type": "string"}}


def test_whole_calls_that_are_all_numbered_0_stay_apart() -> None:
    parts = [_call(0, "{}", "menu", "a"), _call(0, '{"day": "x"}', "menu", "b")]
    with scripted(stream(events(*parts, *words(reason="stop")[1:]))) as served:
        answer = model(served.url).complete(ASKED, tools=[MENU])
    assert [call.id for call in answer.tool_calls] == ["a", "b"]
    assert answer.finish_reason == "tool_calls"


def test_a_server_that_passes_over_tool_choice_is_told() -> None:
    with scripted(GOOD) as served, pytest.raises(ModelError, match="had to call a tool"):
        model(served.url).complete(ASKED, tools=[MENU], tool_choice="required")


def test_tool_turns_are_sent_as_they_are() -> None:
    call = ToolCall("c1", "menu", '{"day": "today"}')
    turns = [*ASKED, Message("assistant", "", (call,)), Message("tool", "Soup", tool_call_id="c1")]
    with scripted(GOOD) as served:
        model(served.url).complete(turns)
    sent = served.calls[0][1]["messages"]
    assert sent[1]["tool_calls"][0]["function"] == {"name": "menu", "arguments": call.arguments}
    assert sent[2] == {"role": "tool", "content": "Soup", "tool_call_id": "c1"}


def test_logprobs_hold_as_many_alternatives_as_were_asked_for() -> None:
    token = {"token": "At", "logprob": -0.5, "top_logprobs": [{"token": "On", "logprob": -1.5}]}
    chunk = {"choices": [{"delta": {"content": "At"}, "logprobs": {"content": [token]}}]}
    answers = []
    for alternatives in (0, 1):
        with scripted(stream(events(chunk, *words()[1:]))) as served:
            answers.append(model(served.url).complete(ASKED, logprobs=alternatives))
        assert served.calls[0][1]["top_logprobs"] == 1
    assert [answer.logprobs[0].alternatives for answer in answers] == [(), (("On", -1.5),)]
    assert answers[0].logprobs[0].logprob == -0.5


def test_an_answer_must_fit_its_schema() -> None:
    schema = {"type": "object", "required": ["hour"]}
    for text, fits in (('{"hour": 12}', True), ('{"day": 1}', False), ("At noon", False)):
        with scripted(stream(events(*words(text)))) as served:
            llm = model(served.url)
            if fits:
                assert llm.complete(ASKED, schema=schema).text == text
            else:
                with pytest.raises(ModelError, match="does not fit the schema"):
                    llm.complete(ASKED, schema=schema)
        sent = served.calls[0][1]["response_format"]
        assert sent["json_schema"]["schema"] == schema


@pytest.mark.parametrize("dialect", ["openai", "ollama"])
@pytest.mark.parametrize(
    "setting", [{"top_k": 5}, {"min_p": 0.1}, {"repeat_penalty": 1.1}, {"grammar": "root ::= x"}]
)
def test_what_a_dialect_has_no_field_for_is_refused(dialect: str, setting: Any) -> None:
    llm = model("http://127.0.0.1:9/v1", dialect=dialect, window=4096)
    with pytest.raises(InputError, match=f"{next(iter(setting))}"):
        llm.complete(ASKED, **setting)


def test_vllm_gets_its_own_words() -> None:
    card = {"data": [{"id": "m", "max_model_len": 512}, {"id": "lora", "max_model_len": 512}]}
    counted = {"count": 12, "max_model_len": 512, "tokens": []}
    replies = (status(200, card), status(200, counted))
    with scripted(*replies, GOOD) as served:
        llm = model(served.url, dialect="vllm")
        llm.complete(ASKED, grammar='root ::= "x"', adapter="lora", repeat_penalty=1.2)
    paths = [path for path, _ in served.calls]
    assert paths == ["/v1/models", "/tokenize", "/v1/chat/completions"]
    body = served.calls[-1][1]
    assert body["model"] == "lora"
    assert body["structured_outputs"] == {"grammar": 'root ::= "x"'}
    assert (body["top_k"], body["repetition_penalty"], body["min_p"]) == (-1, 1.2, 0.0)
    assert body["max_tokens"] == 512 - 12


def test_llama_server_names_every_adapter_of_a_call() -> None:
    properties = {"default_generation_settings": {"n_ctx": 512}, "chat_template_caps": {}}
    adapters = [{"id": 0, "path": "/x/law.gguf"}, {"id": 1, "path": "tea.gguf"}]
    replies = [properties, {"input_tokens": 9}, adapters]
    with scripted(*(status(200, one) for one in replies), GOOD) as served:
        model(served.url, dialect="llama-server").complete(ASKED, adapter="tea")
    body = served.calls[-1][1]
    assert body["lora"] == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 1.0}]


def test_embeddings_come_in_order_and_unit_length() -> None:
    rows = [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]
    with scripted(status(200, {"data": rows}), status(200, {"data": rows[1:]})) as served:
        llm = model(served.url)
        assert llm.embed(["a", "b"]).round(4).flatten().tolist() == pytest.approx([0.6, 0.8, 0, 1])
        assert llm.embed([]).shape == (0, 2)
    assert served.calls[0] == (
        "/v1/embeddings",
        {"model": "m", "input": ["a", "b"], "encoding_format": "float"},
    )


def test_a_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InputError, match="surrogate"):
        model("http://127.0.0.1:9/v1").complete([Message("user", "Hi")], stop=["\ud83d"])


def test_ollama_needs_its_window_and_is_not_overrun() -> None:
    with pytest.raises(InputError, match="num_ctx"):
        EndpointRuntime("m", "http://localhost:11434/v1", dialect="ollama")
    llm = model("http://127.0.0.1:9/v1", dialect="ollama", window=100)
    with pytest.raises(ContextOverflowError):
        llm.complete([Message("user", "tea " * 200)])


@pytest.mark.parametrize(
    "options",
    [{"dialect": "klingon"}, {"parallel": 0}, {"tries": 0}, {"timeout": 0}, {"window": 0}],
)
def test_settings_that_cannot_work_are_refused(options: Any) -> None:
    with pytest.raises(InputError):
        EndpointRuntime("m", "http://localhost:8000/v1", **options)


@pytest.mark.parametrize("url", ["localhost:8000/v1", "file:///etc/passwd", "http://"])
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(InputError, match="base_url"):
        EndpointRuntime("m", url)


def test_a_closed_model_takes_no_call() -> None:
    llm = model("http://127.0.0.1:9/v1")
    llm.close()
    with pytest.raises(ModelError, match="closed"):
        llm.complete(ASKED)
