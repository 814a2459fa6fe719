"""The real library on real models: what is mended around it, and where it cannot run."""

import os
import random
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch

from ragthrift import InputError, ModelError, Passage
from ragthrift.compress import LLMLinguaCompressor
from ragthrift.compress.labels import dropped_pieces, without
from ragthrift.compress.llmlingua_model import load_llmlingua
from ragthrift.compress.llmlingua_words import ClassifiedWords
from tests.compress.conftest import WORDS

TEXT = f"# Fuel\n\n{WORDS}\n\n```py\nx = 1\n```\n\n- Visitors sign the big book\n- 食堂在九点开门。"


def compressor(model: Path, **options: float | str | list[str]) -> LLMLinguaCompressor:
    return LLMLinguaCompressor(str(model), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["wordpiece_model", "sentencepiece_model"])
def test_words_go_and_what_is_precious_stays(name: str, request: pytest.FixtureRequest) -> None:
    (kept,) = compressor(request.getfixturevalue(name), rate=0.2).compress("", [Passage(TEXT)])
    assert len(kept.text.split()) < len(TEXT.split()) * 0.75
    for precious in ("# Fuel\n", "1,299.00 euros", "2024", "not reach", "2,000 volts", "x = 1"):
        assert precious in kept.text
    assert [line[0] for line in kept.text.split("\n")[-2:]] == ["-", "-"]


def test_passages_keep_everything_but_words(wordpiece_model: Path) -> None:
    passages = [
        Passage(WORDS, id="a", score=0.2, metadata={"page": 1}),
        Passage("", id="b"),
        Passage("canteen", id="c", score=0.1),
        Passage(WORDS[:60], id="d"),
    ]
    kept = compressor(wordpiece_model, rate=0.3).compress("", passages)
    assert [(p.id, p.score, p.metadata) for p in kept] == [
        (p.id, p.score, p.metadata) for p in passages
    ]
    assert kept[1] is passages[1]
    assert kept[2] is passages[2]
    assert len(kept[0].text) < len(WORDS)


def test_what_the_caller_protects_stays(wordpiece_model: Path) -> None:
    guarded = compressor(wordpiece_model, rate=0.1, protect=[r"desk|Soup"])
    (kept,) = guarded.compress("", [Passage(WORDS)])
    assert "desk" in kept.text
    assert "Soup" in kept.text


def test_a_rate_of_one_changes_nothing(wordpiece_model: Path) -> None:
    passage = Passage(WORDS)
    assert compressor(wordpiece_model, rate=1).compress("", [passage]) == [passage]


def test_the_words_kept_are_those_that_llmlingua_keeps(wordpiece_model: Path) -> None:
    plain = "the canteen opens early and bicycles are kept below while visitors sign the book"
    library = load_llmlingua(str(wordpiece_model), device="cpu", classify=True)
    library.model_name = "bert-base-multilingual-cased"
    said = library.compress_prompt([plain], rate=0.5, force_reserve_digit=True)
    ours = LLMLinguaCompressor(library, rate=0.5).compress("", [Passage(plain)])
    assert ours[0].text == said["compressed_prompt"]


def test_a_long_text_is_read_in_chunks_and_padded_to_its_own_length(wordpiece_model: Path) -> None:
    loaded = compressor(wordpiece_model, rate=0.3)
    words = loaded._words
    assert isinstance(words, ClassifiedWords)
    loaded.compress("", [Passage("Soup is free for the guests")])
    assert words._compressor.max_seq_len == 8
    (kept,) = loaded.compress("", [Passage(f"{WORDS} " * 30)])
    assert words._compressor.max_seq_len == 512
    assert kept.text.count("1,299.00") == kept.text.count("2,000") == 30
    assert len(kept.text) < len(WORDS) * 27


def test_xlm_r_reads_its_own_special_tokens(sentencepiece_model: Path) -> None:
    words = compressor(sentencepiece_model)._words
    assert isinstance(words, ClassifiedWords)
    tokenizer = words._compressor.tokenizer
    ids = tokenizer.convert_tokens_to_ids(["[CLS]", "[SEP]", "[PAD]"])
    assert ids == [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id]
    assert tokenizer.unk_token_id not in ids


def test_loading_has_no_side_effects(
    wordpiece_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)

    def drawn() -> list[float]:
        return [random.random(), np.random.random(), float(torch.rand(1))]

    def seed() -> None:
        random.seed(9)
        np.random.seed(9)
        torch.manual_seed(9)

    seed()
    expected = drawn()
    seed()
    compressor(wordpiece_model)
    assert drawn() == expected
    assert "PYTHONHASHSEED" not in os.environ


def test_code_from_the_hub_is_not_run(wordpiece_model: Path, tmp_path: Path) -> None:
    for file in wordpiece_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = (tmp_path / "config.json").read_text()
    own = config.replace('"model_type": "bert"', '"model_type": "mine"').replace(
        "{", '{"auto_map": {"AutoConfig": "mine.Mine"},', 1
    )
    (tmp_path / "config.json").write_text(own)
    (tmp_path / "mine.py").write_text("raise SystemExit('the code was run')")
    with pytest.raises(ModelError, match="cannot load"):
        compressor(tmp_path)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="hub name on a machine"):
        compressor(tmp_path / "none")


@pytest.mark.parametrize("options", [{"rate": 0}, {"rate": 1.5}, {"method": "llmlingua3"}])
def test_arguments_that_cannot_work_say_so(options: dict[str, float | str]) -> None:
    with pytest.raises(InputError):
        compressor(Path("none"), **options)


@pytest.mark.parametrize("method", ["llmlingua", "longllmlingua"])
def test_a_causal_model_runs_within_its_context(causal_model: Path, method: str) -> None:
    loaded = compressor(causal_model, rate=0.4, method=method)
    kept, word, empty = loaded.compress(
        "When does the canteen open?", [Passage(WORDS), Passage("canteen"), Passage("")]
    )
    assert len(kept.text.split()) < len(WORDS.split()) * 0.9
    assert "1,299.00 euros" in kept.text
    assert (word.text, empty.text) == ("canteen", "")


def test_the_question_matters_to_longllmlingua_only(causal_model: Path) -> None:
    def texts(method: str) -> set[str]:
        loaded = compressor(causal_model, rate=0.4, method=method)
        queries = ("When does the canteen open?", "Where are bicycles kept in the cellar?")
        return {loaded.compress(query, [Passage(WORDS)])[0].text for query in queries}

    assert len(texts("llmlingua")) == 1
    assert len(texts("longllmlingua")) == 2


def test_a_longer_text_names_the_version_that_can_read_it(causal_model: Path) -> None:
    loaded = compressor(causal_model, method="llmlingua")
    major, minor = map(int, version("transformers").split(".")[:2])
    if (major, minor) < (4, 56):
        assert loaded.compress("", [Passage(WORDS * 20)])
        return
    with pytest.raises(ModelError, match=rf"transformers {version('transformers')}.*4\.47\.1"):
        loaded.compress("", [Passage(WORDS * 20)])


def test_words_that_are_not_found_keep_the_text() -> None:
    text = "Der große Zähler läuft."
    spans, found = dropped_pieces(text, [("something", False), ("else", False), ("lauft", False)])
    assert [text[a:b] for a, b in spans] == ["läuft."]
    assert found == pytest.approx(1 / 3)
    assert dropped_pieces("🍲 🍲", []) == ([], 0.0)


@pytest.mark.parametrize(
    ("text", "dropped", "left"),
    [
        ("one two three", [], "one two three"),
        ("one two three", [(0, 3)], "two three"),
        ("one two three", [(8, 13)], "one two"),
        ("one\n  two three", [(6, 9)], "one\n  three"),
        ("  one two", [(6, 9)], "  one"),
        ("one two", [(0, 3), (4, 7)], ""),
        ("一二三", [(1, 2)], "一三"),
        ("one two\n\nthree four", [(4, 7), (9, 14)], "one\n\nfour"),
    ],
)
def test_nothing_is_glued(text: str, dropped: list[tuple[int, int]], left: str) -> None:
    assert without(text, dropped) == left
