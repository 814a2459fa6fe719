"""The `llmlingua` library, loaded without a network call and without side effects."""

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ragthrift.errors import InputError, ModelError, missing_extra
from ragthrift.tokens import OpenAITokens

if TYPE_CHECKING:
    from llmlingua import PromptCompressor

_lock = threading.Lock()

FAMILIES = {"##": "bert-base-multilingual-cased", "▁": "xlm-roberta-large"}
"""llmlingua looks for these names in the model's path to know how its tokenizer marks words."""


def load_llmlingua(model: "str | PromptCompressor", *, device: str, classify: bool) -> Any:
    """A `PromptCompressor`: a token classifier (LLMLingua-2), or else a causal model.

    llmlingua asks tiktoken for a table at start; it is put in its place before. It seeds every
    random generator; they are put back. Code from the hub is never run.
    """
    try:
        from llmlingua import PromptCompressor
    except ImportError as error:
        missing_extra("llmlingua", "llmlingua", error)
    if isinstance(model, PromptCompressor):
        return _counting_plainly(model)
    OpenAITokens("cl100k_base")  # tiktoken remembers a table that it has read once
    try:
        with _lock, _random_state_kept():
            loaded = PromptCompressor(
                model,
                device_map=device,
                use_llmlingua2=classify,
                model_config={"trust_remote_code": False},
            )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"llmlingua cannot load {model!r}: give a folder with a model and its tokenizer, or a "
            f"hub name on a machine that reaches the hub ({error})"
        ) from error
    return _counting_plainly(loaded)


def _counting_plainly(compressor: Any) -> Any:
    """Llmlingua counts with tiktoken, which raises where a text names a special token."""
    if not isinstance(compressor.oai_tokenizer, _PlainTokens):
        compressor.oai_tokenizer = _PlainTokens(compressor.oai_tokenizer)
    return compressor


class _PlainTokens:
    def __init__(self, encoding: Any) -> None:
        self._encoding = encoding

    def encode(self, text: str) -> list[int]:
        tokens: list[int] = self._encoding.encode_ordinary(text)
        return tokens


@contextmanager
def _random_state_kept() -> Iterator[None]:
    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    hash_seed = os.environ.get("PYTHONHASHSEED")
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
        if hash_seed is None:
            os.environ.pop("PYTHONHASHSEED", None)
        else:
            os.environ["PYTHONHASHSEED"] = hash_seed


class OwnSpecialTokens:
    """A tokenizer under which llmlingua's `[CLS]`, `[SEP]` and `[PAD]` are the model's own.

    llmlingua writes BERT's names around every text; an XLM-R reads them as unknown words.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        own = {
            "[CLS]": tokenizer.cls_token or tokenizer.bos_token,
            "[SEP]": tokenizer.sep_token or tokenizer.eos_token,
            "[PAD]": tokenizer.pad_token,  # none for BERT: llmlingua takes its id 0 for missing
        }
        self._names = {name: token for name, token in own.items() if token is not None}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __len__(self) -> int:
        return len(self._tokenizer)

    def convert_tokens_to_ids(self, tokens: list[str]) -> Any:
        """Ids, with the model's own special tokens for BERT's."""
        return self._tokenizer.convert_tokens_to_ids([self._names.get(t, t) for t in tokens])


def word_mark(tokenizer: Any) -> str:
    """How the tokenizer marks words: "##" inside one, or "▁" before one."""
    tokens = tokenizer.tokenize("unbelievable antidisestablishmentarianism xqzvk")
    for mark in FAMILIES:
        if any(token.startswith(mark) for token in tokens):
            return mark
    raise InputError(
        f"llmlingua reads WordPiece (BERT) and SentencePiece (XLM-R) tokenizers; this one cuts "
        f"words like {tokens[:4]}"
    )
