"""Against llama.cpp's own server of OpenAI's protocol, on loopback."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ragthrift.errors import ContextOverflowError, InputError, ModelError
from ragthrift.local.endpoint import EndpointRuntime
from ragthrift.local.endpoint_dialects import Dialect
from ragthrift.local.model import LocalModel
from ragthrift.protocols import LLM, Embedder, TokenCounter
from ragthrift.types import Message, Tool

pytestmark = pytest.mark.model

KEY = "a-key"
QUESTION = [Message("user", "What is the capital of France? One word.")]


def library() -> Any:
    """The package, imported as the library does: its thread settings are read only once."""
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return import_module("xllamacpp")


def serve(path: Path, **options: object) -> Any:
    """llama.cpp's server alone, as any other process might run it."""
    xllamacpp = library()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel, parameters.n_batch = 1024, 2, 512
    parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.cpuparams.n_threads = 2
    parameters.verbosity, parameters.ui, parameters.api_keys = 0, False, [KEY]
    for name, value in options.items():
        setattr(parameters, name, value)
    return xllamacpp.Server(parameters)


@pytest.fixture(scope="module")
def url(smollm2_path: Path) -> Iterator[str]:
    server = serve(smollm2_path)
    yield f"{server.listening_address}/v1"
    del server


def model(url: str, dialect: Dialect = "llama-server") -> LocalModel:
    return LocalModel(EndpointRuntime("smollm2", url, dialect=dialect, api_key=KEY))


def test_it_is_an_llm_and_counts_exactly(url: str) -> None:
    llm = model(url)
    assert isinstance(llm, LLM)
    assert isinstance(llm, TokenCounter)
    assert isinstance(llm, Embedder)
    assert llm.exact
    assert llm.count("Hello world") == 2
    assert llm.runtime.window == 512


@pytest.mark.parametrize("dialect", ["openai", "llama-server"])
def test_it_answers_in_pieces_with_usage(url: str, dialect: Dialect) -> None:
    pieces = model(url, dialect).stream(QUESTION, max_tokens=12)
    first, found = next(pieces), []
    while True:
        try:
            found.append(next(pieces))
        except StopIteration as end:
            answer = end.value
            break
    assert "".join([first, *found]) == answer.text
    assert "Paris" in answer.text
    assert len(found) > 2
    assert 0 < answer.usage.output_tokens <= 12
    again = model(url, dialect).complete(QUESTION, max_tokens=12)
    assert again.usage.cache_read_tokens == again.usage.input_tokens - 1


def test_the_prompt_is_counted_as_the_server_counts_it(url: str) -> None:
    llm = model(url)
    answer = llm.complete(QUESTION, max_tokens=1)
    with pytest.raises(ContextOverflowError) as caught:
        llm.complete(QUESTION, max_tokens=512)
    assert caught.value.needed == answer.usage.input_tokens + 512
    assert answer.finish_reason == "length"


@pytest.mark.parametrize("dialect", ["openai", "llama-server"])
def test_an_overlong_prompt_is_one_error_whoever_finds_it(url: str, dialect: Dialect) -> None:
    with pytest.raises(ContextOverflowError) as caught:
        model(url, dialect).complete([Message("user", " tea" * 600)])
    assert caught.value.needed > 600
    assert caught.value.window == 512


def test_old_turns_go_where_that_is_asked_for(url: str) -> None:
    talk = [Message("user", " tea" * 500), Message("assistant", "Yes."), *QUESTION]
    assert "Paris" in model(url).complete(talk, max_tokens=9, overflow="drop_turns").text


def test_stop_seed_and_sampling(url: str) -> None:
    llm = model(url)
    assert "Paris" not in llm.complete(QUESTION, max_tokens=12, stop=["Paris"]).text
    story = [Message("user", "Tell a story.")]
    llm.complete(story, max_tokens=1)  # from here on its prompt comes from the cache
    texts = [
        llm.complete(story, max_tokens=12, temperature=1.5, top_k=50, min_p=0.01, seed=seed).text
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_an_answer_follows_a_schema_or_a_grammar(url: str) -> None:
    llm = model(url)
    assert llm.complete(QUESTION, grammar='root ::= "Rome" | "Oslo"').text in ("Rome", "Oslo")
    assert llm.complete(QUESTION, schema={"enum": ["Rome", "Oslo"]}).text in ('"Rome"', '"Oslo"')
    with pytest.raises(InputError, match="grammar"):
        llm.complete(QUESTION, grammar="root ::= nope")
    with pytest.raises(InputError, match="not a JSON schema"):
        llm.complete(QUESTION, schema={"type": "nonsense"})


def test_logprobs_of_the_servers_own_shape(url: str) -> None:
    llm = model(url)
    answer = llm.complete(QUESTION, max_tokens=4, logprobs=3)
    assert "".join(token.token for token in answer.logprobs) == answer.text
    assert all(len(token.alternatives) == 3 for token in answer.logprobs)
    assert all(token.logprob <= 0 for token in answer.logprobs)
    assert llm.complete(QUESTION, max_tokens=2, logprobs=0).logprobs[0].alternatives == ()


def test_tools_are_refused_where_the_template_knows_none(url: str) -> None:
    with pytest.raises(InputError, match="knows no tools"):
        model(url).complete(QUESTION, tools=[Tool("menu")])


def test_an_unknown_adapter_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="no adapter 'tea'"):
        model(url).complete(QUESTION, adapter="tea")


def test_calls_from_many_threads_do_not_mix(url: str) -> None:
    llm = model(url)
    cities = ("Italy", "Spain", "Germany", "Japan")
    asked = [[Message("user", f"What is the capital of {city}?")] for city in cities]
    alone = [llm.complete(one, max_tokens=10).text for one in asked]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: llm.complete(one, max_tokens=10).text, asked))
    assert together == alone


def test_a_closed_stream_frees_the_slot(url: str) -> None:
    llm = model(url)
    for _ in range(3):
        pieces = llm.stream([Message("user", "Tell a long story.")])
        next(pieces)
        pieces.close()
    assert "Paris" in llm.complete(QUESTION, max_tokens=9).text


def test_a_wrong_key_is_told(url: str) -> None:
    with pytest.raises(ModelError, match="401"):
        LocalModel(EndpointRuntime("smollm2", url, api_key="wrong")).complete(QUESTION)


def test_a_server_without_embeddings_says_so(url: str) -> None:
    with pytest.raises(ModelError, match="embeddings"):
        model(url).embed(["tea"])


def test_embeddings_are_unit_vectors(smollm2_path: Path) -> None:
    xllamacpp = library()
    mean = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = serve(smollm2_path, embedding=True, pooling_type=mean)
    llm = model(f"{server.listening_address}/v1")
    tea, coffee, tea_again = llm.embed(["a cup of tea", "a cup of coffee", "a cup of tea"])
    assert tea @ tea == pytest.approx(1.0, abs=1e-4)
    assert tea @ tea_again == pytest.approx(1.0, abs=1e-4)
    assert tea @ coffee < 0.9999
    del server
