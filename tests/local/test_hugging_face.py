"""A small real model with random weights: what it says is noise, how it is asked is not."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from ragthrift.errors import (
    ContextOverflowError,
    InputError,
    MissingExtraError,
    ModelError,
    ModelNotFoundError,
)
from ragthrift.local.hugging_face import HuggingFaceRuntime
from ragthrift.local.hugging_face_loading import Quantization
from ragthrift.local.model import LocalModel
from ragthrift.types import Message, Tool, ToolCall
from tests.local.runtime_contract import STORY, RuntimeContract

pytest.importorskip("torch")
pytest.importorskip("transformers")

WINDOW = 256
TEMPLATE = (
    "{% for m in messages %}{% if m.content == 'forbidden' %}{{ raise_exception('no') }}{% endif %}"
    "<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}<s>assistant:"
)
TEXT = "The canteen opens at nine. Write a long story about tea, bread, rain or ships. 食堂🍲"


def save(folder: Path, template: str | None = TEMPLATE) -> Path:
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    pairs = ByteLevelBPETokenizer()
    special = ["<s>", "</s>"]
    pairs.train_from_iterator([TEXT] * 5, vocab_size=320, special_tokens=special)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=pairs._tokenizer, bos_token="<s>", eos_token="</s>"
    )
    tokenizer.chat_template = template
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=WINDOW,
        initializer_range=0.4,
        eos_token_id=1,
        bos_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("tiny-chat"))


@pytest.fixture(scope="module")
def llm(folder: Path) -> Iterator[LocalModel]:
    with LocalModel(HuggingFaceRuntime(folder)) as model:
        yield model


class TestContract(RuntimeContract):
    pass


def test_greedy_answers_are_those_of_transformers(folder: Path, llm: LocalModel) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    turns = [{"role": turn.role, "content": turn.content} for turn in STORY]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])
    for penalty in (1.0, 1.3):
        found = network.generate(
            ids, max_new_tokens=24, do_sample=False, repetition_penalty=penalty
        )
        new = found[0, ids.shape[1] :]
        answer = llm.complete(STORY, max_tokens=24, repeat_penalty=penalty)
        whole = str(tokenizer.decode(new, skip_special_tokens=True))
        assert answer.text == whole.rstrip("\ufffd"), "half a character at the end is left out"
        assert answer.usage.input_tokens == ids.shape[1]
        assert answer.usage.output_tokens == len(new)


def test_it_is_named_and_its_window_is_that_of_its_training(folder: Path, llm: LocalModel) -> None:
    assert llm.model == folder.name
    assert llm.runtime.window == WINDOW
    assert HuggingFaceRuntime(folder, window=64).window == 64
    with pytest.raises(InputError, match="window"):
        HuggingFaceRuntime(folder, window=WINDOW + 1)


@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_weights_get_smaller_and_answers_stay_near(
    folder: Path, quantization: Quantization
) -> None:
    if find_spec("torchao") is None:
        pytest.skip("torchao is not installed")
    plain = LocalModel(HuggingFaceRuntime(folder))
    small = LocalModel(HuggingFaceRuntime(folder, quantization=quantization))
    assert small.complete(STORY, max_tokens=8).text
    expected = plain.complete(STORY, max_tokens=1, logprobs=20).logprobs[0]
    found = small.complete(STORY, max_tokens=1, logprobs=20).logprobs[0]
    assert found.logprob == pytest.approx(
        expected.logprob, abs=0.1 if quantization == "int8" else 3
    )
    steps = small.runtime._steps  # type: ignore[attr-defined]
    kinds = {
        type(layer.weight.data).__name__
        for layer in steps._network.modules()
        if type(layer).__name__ == "Linear"
    }
    assert kinds
    assert "Tensor" not in kinds


def test_logprobs_are_those_of_the_chosen_tokens(llm: LocalModel) -> None:
    answer = llm.complete(STORY, max_tokens=5, logprobs=2)
    assert len(answer.logprobs) == answer.usage.output_tokens
    for token in answer.logprobs:
        assert token.alternatives[0] == (token.token, token.logprob)
        assert token.alternatives[1][1] <= token.logprob <= 0
    assert llm.complete(STORY, max_tokens=2, logprobs=0).logprobs[0].alternatives == ()


def test_the_cache_changes_no_answer(folder: Path, llm: LocalModel) -> None:
    rules = Message("system", "Write about tea. ")
    for question in ("Tea?", "Bread?", "Tea?", "Tea? Or bread?", ""):
        asked = [rules, Message("user", question)]
        fresh = LocalModel(HuggingFaceRuntime(folder)).complete(asked, max_tokens=12)
        assert llm.complete(asked, max_tokens=12).text == fresh.text


def test_what_it_cannot_do_is_refused(llm: LocalModel) -> None:
    with pytest.raises(InputError, match="schema"):
        llm.complete(STORY, schema={"type": "integer"})
    with pytest.raises(InputError, match="embeddings"):
        llm.embed(["tea"])
    with pytest.raises(InputError, match="template refuses"):
        llm.complete([Message("user", "forbidden")])


def test_tools_are_offered_as_text(folder: Path, llm: LocalModel) -> None:
    with pytest.raises(ContextOverflowError) as caught:
        llm.complete(STORY, tools=[Tool("menu", "Dishes")], max_tokens=6)
    plain = llm.complete(STORY, max_tokens=6)
    assert caught.value.needed > plain.usage.input_tokens + 100
    turns = [*STORY, Message("assistant", "", (ToolCall("1", "menu"),))]
    answer = llm.complete([*turns, Message("tool", "Tea", tool_call_id="1")], max_tokens=6)
    assert answer.usage.input_tokens > plain.usage.input_tokens
    assert not answer.tool_calls


def test_a_base_model_is_refused_for_chat(tmp_path: Path) -> None:
    model = LocalModel(HuggingFaceRuntime(save(tmp_path / "base", template=None)))
    assert "chat" not in model.runtime.abilities
    with pytest.raises(InputError, match="base model"):
        model.complete(STORY)


def test_a_closed_model_takes_no_call(folder: Path) -> None:
    model = LocalModel(HuggingFaceRuntime(folder))
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.complete(STORY, max_tokens=2)


def test_what_cannot_be_loaded_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        HuggingFaceRuntime(tmp_path / "none")
    with pytest.raises(ModelError, match="could not load"):
        HuggingFaceRuntime(tmp_path)
    with pytest.raises(InputError, match="quantization"):
        HuggingFaceRuntime(folder, quantization="int3")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="precision"):
        HuggingFaceRuntime(folder, precision="int8")  # type: ignore[arg-type]


def test_the_package_that_is_missing_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchao", None)
    with pytest.raises(MissingExtraError, match=r"ragthrift\[hugging-face\]"):
        HuggingFaceRuntime(folder, quantization="int8")
