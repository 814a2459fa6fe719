"""Small real models with random weights: what they say is noise, how they are read is not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ragthrift_models import minilm_tokenizer

WORDS = (
    "The canteen opens at nine and closes at three. Bicycles are kept in the cellar. Visitors "
    "sign the book at the front desk. Soup is free for guests, bread is not. The lift holds eight "
    "people and costs 1,299.00 euros in 2024. It did not reach 2,000 volts."
)


def _save(folder: Path, model: Any, tokenizer: Any) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _special(names: Sequence[str]) -> dict[str, Any]:
    keys = ("cls_token", "sep_token", "pad_token", "unk_token")
    return {"model_max_length": 512, **dict(zip(keys, names, strict=True))}


@pytest.fixture(scope="session")
def wordpiece_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT token classifier with MiniLM's tokenizer; its path does not say that it is one."""
    import torch
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(minilm_tokenizer()),
        **_special(["[CLS]", "[SEP]", "[PAD]", "[UNK]"]),
    )
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        initializer_range=0.5,
        id2label={0: "drop", 1: "keep"},
    )
    folder = tmp_path_factory.mktemp("wordpiece")
    return _save(folder, BertForTokenClassification(config), tokenizer)


@pytest.fixture(scope="session")
def sentencepiece_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An XLM-R token classifier with a tokenizer trained on a few lines."""
    import torch
    from tokenizers import SentencePieceUnigramTokenizer
    from transformers import (
        PreTrainedTokenizerFast,
        XLMRobertaConfig,
        XLMRobertaForTokenClassification,
    )

    torch.manual_seed(1)
    pieces = SentencePieceUnigramTokenizer()
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces.train_from_iterator(
        [WORDS] * 20, vocab_size=150, special_tokens=names, unk_token="<unk>", show_progress=False
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=pieces._tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        **_special(["<s>", "</s>", "<pad>", "<unk>"]),
    )
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=130,
        initializer_range=0.5,
        id2label={0: "drop", 1: "keep"},
    )
    folder = tmp_path_factory.mktemp("sentencepiece")
    return _save(folder, XLMRobertaForTokenClassification(config), tokenizer)


@pytest.fixture(scope="session")
def causal_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 with a byte-level tokenizer trained on a few lines."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(2)
    pieces = ByteLevelBPETokenizer()
    pieces.train_from_iterator(
        [WORDS] * 20, vocab_size=400, special_tokens=["<|end|>"], show_progress=False
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=pieces._tokenizer, eos_token="<|end|>", pad_token="<|end|>"
    )
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=32,
        n_layer=1,
        n_head=2,
        n_positions=512,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    folder = tmp_path_factory.mktemp("causal")
    return _save(folder, GPT2LMHeadModel(config), tokenizer)
