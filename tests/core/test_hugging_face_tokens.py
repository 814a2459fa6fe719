"""Any Hugging Face tokenizer counts exactly, however it is given and whatever it was saved with."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from ragthrift import InputError
from ragthrift.protocols import TokenCounter
from ragthrift.testing import TokenCounterContract
from ragthrift.testing.token_counter_contract import SENTENCES
from ragthrift.tokens import HuggingFaceTokens

TEXT = " ".join(SENTENCES)


def word_piece() -> Tokenizer:
    """In the manner of BERT: lower case, whole words first, special tokens around a text."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=special)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, special.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def byte_pairs() -> Tokenizer:
    """In the manner of GPT-2: bytes, merged within words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def with_limits() -> Tokenizer:
    """Saved with truncation and padding, as sentence encoders are."""
    tokenizer = word_piece()
    tokenizer.enable_truncation(max_length=16)
    tokenizer.enable_padding(length=16)
    return tokenizer


class TestWordPiece(TokenCounterContract):
    def make(self) -> TokenCounter:
        return HuggingFaceTokens(word_piece())


class TestBytePairs(TokenCounterContract):
    def make(self) -> TokenCounter:
        return HuggingFaceTokens(byte_pairs())


class TestWithLimits(TokenCounterContract):
    def make(self) -> TokenCounter:
        return HuggingFaceTokens(with_limits())


def test_every_form_of_one_tokenizer_counts_alike(tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    tokenizer = with_limits()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]")  # type: ignore[no-untyped-call]
    fast.save_pretrained(tmp_path / "fast")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    forms = (
        tokenizer,
        fast,
        tmp_path,
        str(tmp_path),
        tmp_path / "tokenizer.json",
        tmp_path / "fast",
    )
    wanted = len(word_piece().encode(TEXT, add_special_tokens=False).ids)
    assert wanted > 16
    for form in forms:
        counter = HuggingFaceTokens(form)
        assert counter.exact
        assert counter.count(TEXT) == wanted
        assert counter.count("nine") == len(word_piece().encode("nine").ids) - 2


def test_a_transformers_tokenizer_keeps_its_own_limits() -> None:
    tokenizer = with_limits()
    assert HuggingFaceTokens(tokenizer).count(TEXT) > 16
    assert tokenizer.truncation is not None
    assert tokenizer.truncation["max_length"] == 16
    assert tokenizer.padding is not None
    assert len(tokenizer.encode("nine").ids) == 16


def test_limits_that_are_set_later_do_not_reach_the_counter() -> None:
    tokenizer = word_piece()
    counter = HuggingFaceTokens(tokenizer)
    before = counter.count(TEXT)
    tokenizer.enable_truncation(max_length=4)
    assert counter.count(TEXT) == before


@pytest.mark.parametrize("text", ["\ud83d", "canteen \udc00 opens", "\ud800" * 500])
def test_lone_surrogates_are_counted(text: str) -> None:
    assert HuggingFaceTokens(byte_pairs()).count(text) >= 1


@pytest.mark.parametrize("tokenizer", [3, None, object(), ["tokenizer.json"], str.split])
def test_what_is_no_tokenizer_is_refused(tokenizer: object) -> None:
    with pytest.raises(InputError, match="is not a tokenizer that counts exactly"):
        HuggingFaceTokens(tokenizer)  # type: ignore[arg-type]
