import warnings
from pathlib import Path

import pytest

from ragthrift.errors import InputError, ModelError
from ragthrift.local import LlamaCppEmbedder, LocalModel, Sampling, load_model, plain_text
from ragthrift.local.speed_check import warn_if_slow
from ragthrift.types import Message

QUESTION = [Message("user", "Which colour is the sky on a clear day?")]


def test_an_unknown_runtime_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="must be xllamacpp"):
        load_model("model.gguf", runtime="magic")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="leave base_url out"):
        load_model("m", runtime="openvino", base_url="http://localhost:8000/v1")
    with pytest.raises(InputError, match="needs its base_url"):
        load_model("m", runtime="endpoint")


def test_an_address_gives_a_model_behind_a_server() -> None:
    model = load_model("m", base_url="http://127.0.0.1:9/v1")
    assert model.model == "m"
    assert type(model.runtime).__name__ == "EndpointRuntime"
    model.close()


def test_a_slow_model_is_warned_of_with_what_to_do() -> None:
    with pytest.warns(
        RuntimeWarning, match=r"writes 0\.17 tokens a second with 2 threads.*passive"
    ):
        warn_if_slow(0.17, "m", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_slow(1.0, "m", 2)


@pytest.mark.model
def test_settings_of_loading_hold_for_calls_that_do_not_say_otherwise(smollm2_path: Path) -> None:
    with load_model(
        smollm2_path,
        n_ctx=256,
        slots=1,
        self_test=False,
        sampling=Sampling(temperature=0.9, seed=4),
        settings={"logprobs": 1},
    ) as llm:
        first = llm.complete(QUESTION, max_tokens=12)
        assert len(first.logprobs) == 12
        assert llm.complete(QUESTION, max_tokens=12).text == first.text
        assert llm.complete(QUESTION, max_tokens=12, seed=5).text != first.text


@pytest.mark.model
def test_a_load_that_cannot_fit_is_refused_with_the_numbers(smollm2_path: Path) -> None:
    with pytest.raises(ModelError, match=r"100000 x 8192 tokens needs .* are free"):
        load_model(smollm2_path, n_ctx=8192, slots=100_000)


@pytest.mark.model
def test_a_base_model_chats_by_a_template_that_is_given(gemma_path: Path) -> None:
    template = "{% for m in messages %}Q: {{ m.content }}\nA:{% endfor %}"
    with load_model(gemma_path, n_ctx=256, slots=1, chat_template=template) as llm:
        asked = [Message("user", "The capital of France?")]
        answer = llm.complete(asked, max_tokens=4, stop=["\n"])
        assert answer.usage.input_tokens == llm.count("Q: The capital of France?\nA:") + 1


@pytest.mark.model
@pytest.mark.parametrize("speculation", ["auto", "on"])
def test_guessing_ahead_changes_neither_text_nor_usage(
    smollm2_path: Path, continuing: LocalModel, speculation: str
) -> None:
    line = "The depot in Harlow closes at 18:15, spare keys are kept in box 7, and the lift rests."
    prompt = [Message("user", f"{line}\n{line}\n{line}\nThe depot in")]
    plain = continuing.complete(prompt, max_tokens=40)
    with load_model(
        smollm2_path, n_ctx=512, slots=1, speculation=speculation, prompt_format=plain_text
    ) as llm:
        guessed = llm.complete(prompt, max_tokens=40)
    assert guessed.text == plain.text
    assert guessed.usage.output_tokens == plain.usage.output_tokens == 40


@pytest.mark.model
def test_a_draft_model_may_guess(smollm2_path: Path, continuing: LocalModel) -> None:
    prompt = [Message("user", "The capital of France is")]
    with load_model(
        smollm2_path,
        n_ctx=256,
        slots=1,
        speculation="on",
        draft=smollm2_path,
        prompt_format=plain_text,
    ) as llm:
        guessed = llm.complete(prompt, max_tokens=8)
    assert guessed.text == continuing.complete(prompt, max_tokens=8).text


@pytest.mark.model
def test_embeddings_come_from_the_same_file(smollm2_path: Path, smollm2: LocalModel) -> None:
    import numpy as np

    with load_model(smollm2_path, n_ctx=256, slots=1, pooling="mean") as llm:
        texts = ["The canteen opens at nine.", "The bicycle has a flat tyre.", ""]
        vectors = llm.embed(texts)
        assert vectors.shape == (3, 576)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert llm.embed([]).shape == (0, 576)
        assert llm.complete(QUESTION, max_tokens=2).usage.output_tokens == 2
    with pytest.raises(InputError, match="not loaded for embeddings"):
        smollm2.embed(texts)


@pytest.mark.model
def test_a_text_too_long_to_embed_is_refused(smollm2_path: Path) -> None:
    with LlamaCppEmbedder(smollm2_path, n_ctx=64) as embedder:
        assert embedder.embed([" tea" * 64]).shape == (1, 576)
        with pytest.raises(ModelError, match="65 tokens, the context window holds 64"):
            embedder.embed([" tea" * 65])
        with pytest.raises(InputError, match="NUL"):
            embedder.embed(["a\0b"])
    with pytest.raises(InputError, match="pooling='max'"):
        LlamaCppEmbedder(smollm2_path, pooling="max")  # type: ignore[arg-type]
