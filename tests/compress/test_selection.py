"""What is kept within limits: properties over random passages, and the edges by example."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ragthrift import Budget, InputError, ModelError, Passage
from ragthrift.compress import (
    CachedPrefix,
    Compression,
    ExtractiveCompressor,
    Limits,
    SentencePruner,
    UnitCompressor,
    units,
)
from ragthrift.compress.selection import Cut
from ragthrift.compress.units import with_needs
from ragthrift.protocols import TokenCounter
from ragthrift.tokens import EstimatedTokens, OpenAITokens
from tests.compress.fakes import HANDBOOK, QUERY, WordReader


class Scripted(UnitCompressor):
    """Values units by their place in a list, whatever the query."""

    def __init__(self, numbers: Sequence[float], limits: Limits, **options: object) -> None:
        super().__init__(limits, **options)  # type: ignore[arg-type]
        self._numbers = numbers

    def values(self, query: str, cuts: Sequence[Cut]) -> list[NDArray[np.float64]]:
        numbers = iter(self._numbers)
        return [np.array([next(numbers) for _ in cut.units], dtype=np.float64) for cut in cuts]


LINES = st.sampled_from(
    [
        *(
            "# Head\n",
            "## Part\n\n",
            "We have:\n",
            "- item\n",
            "  - nested item\n",
            "One. ",
            "\n\n",
        ),
        *(
            "It was 3.5 mg. ",
            "However, not. ",
            "| a | b |\n|---|---|\n| 1 | 2 |\n",
            "```\nx\n```\n",
        ),
        *(
            "canteen opens at nine. ",
            "食堂在九点开门。",
            "emoji 🍲 here! ",
            "متى تفتح؟ ",
            "\ud83d. ",
        ),
    ]
)
TEXTS = st.lists(LINES, max_size=25).map("".join)
PASSAGES = st.lists(TEXTS, min_size=1, max_size=4).map(
    lambda texts: [
        Passage(text, id=f"p{at}", score=at / 4 or None, metadata={"page": at})
        for at, text in enumerate(texts)
    ]
)
LIMITS = st.one_of(
    st.floats(0.01, 1).map(lambda rate: Limits(rate=rate)),
    st.integers(1, 120).map(lambda tokens: Limits(budget=Budget(tokens))),
    st.floats(0, 1).map(lambda score: Limits(min_score=score)),
    st.tuples(st.floats(0.1, 1), st.integers(1, 60), st.floats(0, 0.5)).map(
        lambda all_: Limits(rate=all_[0], budget=Budget(all_[1]), min_score=all_[2])
    ),
)
COUNTERS: list[TokenCounter] = [EstimatedTokens(), OpenAITokens("o200k_base")]


def compressors(limits: Limits, counter: TokenCounter, mark: str) -> list[UnitCompressor]:
    return [
        ExtractiveCompressor(limits, token_counter=counter, elision=mark, antecedents=True),
        SentencePruner(WordReader(), limits, token_counter=counter, elision=mark),
    ]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(PASSAGES, LIMITS, st.sampled_from(COUNTERS), st.sampled_from(["", " […]"]))
def test_every_promise_at_once(
    passages: list[Passage], limits: Limits, counter: TokenCounter, mark: str
) -> None:
    for compressor in compressors(limits, counter, mark):
        report = compressor.explain(QUERY, passages)
        check_identity(report, passages)
        check_budget(report, limits, counter)
        check_characters(report, passages, mark)
        if "no unit fits" not in report.note:
            check_units(report, passages, antecedents=isinstance(compressor, ExtractiveCompressor))


def check_identity(report: Compression, passages: Sequence[Passage]) -> None:
    """Ids and order, scores and metadata."""
    given_ = {passage.id: passage for passage in passages}
    order = [passage.id for passage in passages if passage.id in {p.id for p in report.passages}]
    assert [passage.id for passage in report.passages] == order
    for passage in report.passages:
        assert passage.score == given_[passage.id].score
        assert passage.metadata == given_[passage.id].metadata
    assert report.passages, "something is kept unless allow_empty"


def check_budget(report: Compression, limits: Limits, counter: TokenCounter) -> None:
    tokens = sum(counter.count(passage.text) for passage in report.passages)
    assert report.tokens.after == tokens
    if limits.budget is not None:
        assert tokens <= limits.budget.tokens
    if limits.rate is not None and not report.note:
        assert tokens <= max(report.tokens.before * limits.rate, 0)


def check_characters(report: Compression, passages: Sequence[Passage], mark: str) -> None:
    """Each kept span stands in the result byte for byte, and nothing but blanks and marks else."""
    given_ = {passage.id: passage.text for passage in passages}
    for kept in report.kept:
        text, at = given_[kept.passage.id], 0
        for start, end in kept.spans:
            found = kept.passage.text.index(text[start:end], at)
            between = kept.passage.text[at:found]
            assert not (between.replace(mark, "") if mark else between).strip()
            at = found + end - start
        assert not kept.passage.text[at:].strip()
        assert all(a[1] <= b[0] for a, b in pairwise(kept.spans))
        assert len(kept.passage.text) <= len(text)


def check_units(report: Compression, passages: Sequence[Passage], *, antecedents: bool) -> None:
    """Whole units, each in what is kept or dropped, and none without what it needs."""
    spans = {kept.passage.id: kept.spans for kept in report.kept}
    dropped = {(drop.passage_id, drop.start): drop for drop in report.dropped}
    for passage in passages:
        cut = units(passage.text, antecedents=antecedents)
        inside = {
            at
            for at, unit in enumerate(cut)
            if any(a <= unit.start and unit.end <= b for a, b in spans.get(passage.id, ()))
        }
        assert with_needs(cut, inside) == inside
        for at, unit in enumerate(cut):
            assert ((passage.id, unit.start) in dropped) == (at not in inside)
    for drop in report.dropped:
        text = next(p.text for p in passages if p.id == drop.passage_id)
        assert drop.text == text[drop.start : drop.end]
        assert drop.reason


def test_one_threshold_stands_over_all_passages() -> None:
    good, bad = "Aa bb cc. Dd ee ff. Gg hh ii.", "Jj kk ll. Mm nn oo. Pp qq rr."
    passages = [Passage(bad, id="bad"), Passage(good, id="good")]
    kept = Scripted([0.1, 0.2, 0.1, 0.9, 0.8, 0.7], Limits(rate=0.5)).compress("", passages)
    assert kept == [passages[1]], "the good one stays whole and the same object's equal"


def test_what_is_whole_is_the_same_object() -> None:
    passage = Passage(" One. Two. ")
    assert Scripted([1, 1], Limits(budget=Budget(99))).compress("", [passage])[0] is passage


def test_a_unit_pays_for_what_it_needs() -> None:
    text = "# A long heading over the section\n\nYes it is. No it is not."
    passages = [Passage(text)]
    kept = Scripted([0.0, 0.9, 0.1], Limits(budget=Budget(12))).compress("", passages)
    assert kept[0].text == "# A long heading over the section\n\nYes it is."
    alone = Scripted([0.0, 0.9, 0.1], Limits(budget=Budget(11))).explain("", passages)
    assert alone.note.endswith("kept without")
    assert alone.passages[0].text == "Yes it is."


def test_pinned_units_outrank_every_limit() -> None:
    passages = [Passage("One here. Order ACME-7 today. Three there."), Passage("Not ACME.", id="b")]
    limits = Limits(budget=Budget(1), min_score=0.5, pin=[r"ACME-\d"])
    report = Scripted([0.9, 0.0, 0.9, 0.9], limits).explain("", passages)
    assert [passage.text for passage in report.passages] == ["Order ACME-7 today."]
    assert report.note == "what is pinned needs 4 tokens more than the 1 there are"


def test_reasons_name_the_limit() -> None:
    passages = [Passage("One here. Two here. Three.", id="p")]
    limits = Limits(rate=0.9, budget=Budget(3), min_score=0.5)
    report = Scripted([0.9, 0.6, 0.1], limits).explain("", passages)
    assert [(drop.text, drop.limit, drop.reason) for drop in report.dropped] == [
        ("Two here.", "budget", "3 tokens, and better units fill the 3 there are"),
        ("Three.", "min_score", "score 0.100 is below 0.5"),
    ]
    (drop,) = Scripted([0.9, 0.1], Limits(rate=0.5)).explain("", [Passage("One. Two.")]).dropped
    assert (drop.limit, drop.kind, drop.score) == ("rate", "sentence", 0.1)


def test_nothing_is_left_only_if_that_is_allowed() -> None:
    passages = [Passage("One. Two."), Passage("Three.")]
    asked = Scripted([0.1, 0.2, 0.1], Limits(min_score=0.9, allow_empty=True))
    assert asked.explain("", passages).kept == ()
    kept = Scripted([0.1, 0.2, 0.1], Limits(min_score=0.9)).explain("", passages)
    assert [passage.text for passage in kept] == ["Two."]
    assert kept.note


def test_a_budget_below_every_unit_cuts_the_best_at_a_word() -> None:
    passages = [Passage("Short words only here, and then some more of them.")]
    report = Scripted([1.0], Limits(budget=Budget(3))).explain("", passages)
    assert report.passages[0].text == "Short words"
    assert report.kept[0].spans == ((0, 11),)
    assert "cut short" in report.note


def test_a_budget_below_every_word_cuts_inside_or_keeps_nothing() -> None:
    kept = Scripted([1.0], Limits(budget=Budget(1))).compress("", [Passage("c" * 100)])
    assert kept[0].text == "cccc"
    emoji = Passage("\N{LEFTWARDS HAND}" * 3)
    counter = OpenAITokens("o200k_base")
    assert counter.count(emoji.text[0]) > 1
    assert not Scripted([1.0], Limits(budget=Budget(1)), token_counter=counter).compress(
        "", [emoji]
    )


def test_elision_marks_stand_where_something_longer_was() -> None:
    passages = [Passage("One is here. Two is long enough. Three. No. Five.")]
    marked = Scripted([0.9, 0, 0.8, 0, 0.7], Limits(min_score=0.5), elision=" […]")
    assert marked.compress("", passages)[0].text == "One is here. […] Three. Five."


def test_spans_are_written_under_a_key_if_asked_for() -> None:
    passage = Passage("One. Two. Three.", metadata={"page": 1})
    whole = Passage("Four.", id="b")
    keyed = Scripted([0.9, 0, 0.8, 0.9], Limits(min_score=0.5), spans_key="kept_spans")
    first, second = keyed.compress("", [passage, whole])
    assert first.metadata == {"page": 1, "kept_spans": [[0, 4], [10, 16]]}
    assert second.metadata == {"kept_spans": [[0, 5]]}
    assert passage.metadata == {"page": 1}


def test_a_cached_prefix_is_left_alone_when_it_is_worth_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    passages = [Passage("One two three four. " * 10)]
    numbers = [0.5] * 10

    def shortened(cached: CachedPrefix | None) -> Compression:
        compressor = Scripted(numbers, Limits(rate=0.5), keep_prefix_if=cached)
        with caplog.at_level("INFO"):
            return compressor.explain("", passages)

    saved = shortened(None).tokens
    assert shortened(CachedPrefix(tokens=20)).tokens == saved
    assert not caplog.records
    left = shortened(CachedPrefix(tokens=50))
    assert left.passages == passages
    assert left.tokens.before == left.tokens.after == 50
    assert f"saves {saved.before - saved.after} tokens" in caplog.text
    assert "the cached prefix 45 (50 at 90% off)" in caplog.text
    assert shortened(CachedPrefix(tokens=50, hit_rate=0.1)).tokens == saved


def test_bad_values_are_an_error() -> None:
    with pytest.raises(ModelError, match="one finite number"):
        Scripted([0.5, float("nan")], Limits(rate=0.5)).compress("", [Passage("One. Two.")])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Limits(rate=0),
        lambda: Limits(rate=1.1),
        lambda: Limits(pin="x"),
        lambda: Limits(pin=["("]),
        lambda: CachedPrefix(tokens=-1),
        lambda: CachedPrefix(tokens=1, discount=2),
        lambda: ExtractiveCompressor(0.5),  # type: ignore[arg-type]
        lambda: SentencePruner(object()),  # type: ignore[arg-type]
        lambda: SentencePruner(WordReader(), passage_weight=2),
    ],
)
def test_arguments_that_cannot_work_say_so(make: object) -> None:
    with pytest.raises(InputError):
        make()  # type: ignore[operator]


def test_the_handbook_keeps_its_structure() -> None:
    kept = ExtractiveCompressor(Limits(rate=0.5)).compress(QUERY, HANDBOOK)
    assert kept[0].text.startswith("# Canteen\n\nThe canteen opens at nine.")
    assert "bikes" not in [passage.id for passage in kept]
