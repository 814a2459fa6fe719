"""What must survive byte for byte, and that nothing at all raises."""

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragthrift import Passage
from ragthrift.compress import (
    EmbeddingReader,
    ExtractiveCompressor,
    Limits,
    LLMLinguaCompressor,
    SentencePruner,
)
from ragthrift.compress.protect import protected
from ragthrift.compress.render import kept_spans
from ragthrift.compress.units import units
from ragthrift.protocols import Compressor
from ragthrift.testing import FakeEmbedder
from tests.compress.fakes import WordReader

PRECIOUS = [
    *("1,299.00", "$1,299.00", "3.5%", "2024-01-05", "50 mg", "2,000 volts", "-40 °C", "10⁻³"),
    *("5 million", "3 May 2024", "March 12, 2021", "12:30", "B-52", "x86_64", "±0.3 mm", "€9"),
    *("not", "never", "without a permit", "no evidence", "didn't work", "cannot", "unless asked"),
    *("https://x.org/a.b?c=d&e=[f]", "ann@x.org", "www.x.org", "/usr/local/bin", "C:\\temp\\x"),
    *("[12]", "[3, 4]", "(Smith et al., 2020)", "[^1]", "`run_fast()`", "max_tokens", "HTTPServer"),
    *("three reactors", "twenty-five", "half", "不", "≥ 7", "NATO"),
]
PLAIN = [
    *("the", "fuel", "plant", "ran", "while", "visitors", "saw", "some", "water", "near", "big"),
    *("old", "doors", "and", "engines"),
]
WORDS = st.one_of(st.sampled_from(PLAIN), st.sampled_from(PRECIOUS))
SENTENCES = st.lists(WORDS, min_size=1, max_size=14).map(lambda words: " ".join(words) + ".")
CODE = "```py\nif x != 1:\n    y = x  # not here\n```"
TEXTS = st.lists(st.one_of(SENTENCES, st.just(f"\n\n{CODE}\n\n")), min_size=1, max_size=6).map(
    " ".join
)


@pytest.fixture(scope="module")
def dropping(wordpiece_model: Path) -> LLMLinguaCompressor:
    return LLMLinguaCompressor(str(wordpiece_model), rate=0.2)


@pytest.fixture(scope="module")
def dropping_pieces(sentencepiece_model: Path) -> LLMLinguaCompressor:
    return LLMLinguaCompressor(str(sentencepiece_model), rate=0.2)


@pytest.mark.parametrize("precious", PRECIOUS)
def test_each_kind_is_seen(precious: str) -> None:
    text = f"the plant {precious} engine"
    start = text.index(precious)
    letters = [at for at in range(start, start + len(precious)) if not text[at].isspace()]
    spans = protected(text)
    pieces = {m.start(): m.end() for m in re.finditer(r"\S+", text)}
    for at in letters:
        begin = max(p for p in pieces if p <= at)
        held = any(a < pieces[begin] and begin < b for a, b in spans)
        assert held or text[begin : pieces[begin]] in ("a", "asked", "permit", "reactors")


def test_plain_words_are_not_precious() -> None:
    assert protected("The canteen may open, the notebook is near the door at noon.") == []


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(TEXTS)
def test_no_number_negation_link_or_code_is_lost_by_dropping_words(
    dropping: LLMLinguaCompressor, dropping_pieces: LLMLinguaCompressor, text: str
) -> None:
    for compressor in (dropping, dropping_pieces):
        (kept,) = compressor.compress("", [Passage(text)])
        at = 0
        for start, end in protected(text):
            at = kept.text.find(text[start:end], at)
            assert at >= 0, f"{text[start:end]!r} is not in {kept.text!r} any more"
            at += end - start
        assert kept.text.count(CODE) == text.count(CODE)
        check_words(text, kept.text)


def check_words(text: str, kept: str) -> None:
    """Whole words of the original, in order: none altered, none glued to the next."""
    remaining = iter(text.split())
    assert all(word in remaining for word in kept.split())


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.floats(0.05, 0.9))
def test_units_are_kept_whole_or_not_at_all(text: str, rate: float) -> None:
    for compressor in (
        ExtractiveCompressor(Limits(rate=rate)),
        SentencePruner(WordReader(), Limits(rate=rate)),
    ):
        report = compressor.explain("fuel not 50 mg", [Passage(text)])
        cut = units(text)
        whole = {(unit.start, unit.end) for unit in cut}
        for kept in report.kept:
            inside = [s for s in whole if any(a <= s[0] and s[1] <= b for a, b in kept.spans)]
            places = [at for at, unit in enumerate(cut) if (unit.start, unit.end) in inside]
            spans = tuple(kept_spans(cut, places))
            assert kept.spans in (spans, ((0, len(text)),))
            check_words(text, kept.passage.text)


PIECES = [
    *("The canteen opens at nine. ", "word ", "🍲", "\N{WOMAN}\u200d\N{COOKING}", "متى تفتح؟ "),
    *("מתי נפתח ", "食堂在九点开门。", "\x00", "\ud83d", "\udc00 ", "\n", "\n\n", "\t", "- item\n"),
    *(
        "# head\n",
        "```\ncode\n",
        "|a|b|\n",
        "1. ",
        "... ",
        "http://x.y/z ",
        "[SEP] ",
        "<s>",
        "e.g. ",
    ),
    *("\u2028", "\r\n", "\u202e", "½ ", "a" * 50, "ﬁ", "İ", "ß"),
]


def documents(count: int, seed: int) -> list[str]:
    source = random.Random(seed)
    found = ["", " ", "\n", "word", "a" * 100_000, "The canteen opens at nine. " * 3700, "\x00"]
    while len(found) < count:
        found.append("".join(source.choices(PIECES, k=source.choice([1, 2, 5, 20]))))
    return found


@pytest.mark.parametrize(
    "compressor",
    [
        ExtractiveCompressor(Limits(rate=0.3), antecedents=True),
        SentencePruner(EmbeddingReader(FakeEmbedder(8)), Limits(min_score=0.4)),
    ],
    ids=["extractive", "pruner"],
)
def test_ten_thousand_documents_raise_nothing_and_lose_no_id(compressor: Compressor) -> None:
    started = time.perf_counter()
    for at, text in enumerate(documents(10_000, seed=3)):
        (kept,) = compressor.compress("When does the canteen open?", [Passage(text, id=f"{at}")])
        assert kept.id == f"{at}"
        assert len(kept.text) <= len(text)
        assert kept.text.strip() or not text.strip(), "something of every text is left"
    assert time.perf_counter() - started < 60


def test_odd_documents_are_no_trouble_for_llmlingua(
    dropping: LLMLinguaCompressor, dropping_pieces: LLMLinguaCompressor
) -> None:
    for compressor in (dropping, dropping_pieces):
        for at, text in enumerate(documents(80, seed=5)):
            short = text[:3000]
            (kept,) = compressor.compress("canteen?", [Passage(short, id=f"{at}")])
            assert kept.id == f"{at}"
            assert len(kept.text) <= len(short)
            assert kept.text.strip() or not short.strip()


def test_all_documents_at_once() -> None:
    passages = [Passage(text, id=f"{at}") for at, text in enumerate(documents(500, seed=7))]
    kept = ExtractiveCompressor(Limits(rate=0.2)).compress("canteen", passages)
    order = [int(passage.id) for passage in kept]
    assert order == sorted(set(order))
