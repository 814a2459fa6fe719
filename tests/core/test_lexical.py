"""Words, and BM25 against its textbook formula."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragthrift.lexical import Bm25, words

TEXTS = [
    "The cat sat on the mat.",
    "A dog barked at the cat, and the cat ran.",
    "Dogs and cats; cats and dogs.",
    "",
    "It rains.",
    "The dog, the dog, the dog!",
]


def textbook(texts: list[str], query: str, k1: float = 0.9, b: float = 0.4) -> list[float]:
    """Robertson and Zaragoza (2009), with the idf of Lucene, which is never below 0.

    score(d, q) = sum of idf(w) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * |d| / avgdl))
    idf(w) = ln(1 + (N - n + 0.5) / (n + 0.5))
    """
    documents = [words(text) for text in texts]
    average = sum(len(document) for document in documents) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for word in set(words(query)) & set(document):
            n = sum(word in other for other in documents)
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            tf = Counter(document)[word]
            score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(document) / average))
        scores.append(score)
    return scores


@pytest.mark.parametrize("query", ["cat", "dog cat", "the dog barked", "cat cat cat", "snow", ""])
def test_scores_are_those_of_the_textbook(query: str) -> None:
    assert Bm25(TEXTS).scores(query) == pytest.approx(textbook(TEXTS, query))


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (2.0, 0.0), (0.5, 1.0)])
def test_the_parameters_are_those_of_the_textbook(k1: float, b: float) -> None:
    scores = Bm25(TEXTS, k1=k1, b=b).scores("dog cat")
    assert scores == pytest.approx(textbook(TEXTS, "dog cat", k1, b))


sentences = st.lists(
    st.lists(st.sampled_from(["cat", "dog", "mat", "rain", "the"]), min_size=1).map(" ".join),
    min_size=1,
)


@settings(max_examples=60, deadline=None)
@given(sentences, sentences.map(" ".join))
def test_scores_are_those_of_the_textbook_for_any_texts(texts: list[str], query: str) -> None:
    assert Bm25(texts).scores(query) == pytest.approx(textbook(texts, query))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text()), st.text())
def test_any_text_can_be_searched_for_any_other(texts: list[str], query: str) -> None:
    index = Bm25(texts)
    scores, shares = index.scores(query), index.shares(query)
    assert scores.shape == shares.shape == (len(texts),)
    assert scores.dtype == shares.dtype == np.float64
    assert ((scores >= 0) & np.isfinite(scores)).all()
    assert ((shares >= 0) & (shares < 1)).all()


def test_a_share_can_be_compared_between_queries() -> None:
    texts = ["cat " * 50 + "dog " * 50, *TEXTS]
    assert Bm25(texts).shares("cat")[0] > 0.9
    assert Bm25(texts).shares("cat dog")[0] > 0.9
    assert Bm25(texts).shares("cat snow")[0] < 0.5


def test_a_word_that_no_text_holds_lowers_every_share() -> None:
    index = Bm25(TEXTS)
    assert (index.scores("cat") == index.scores("cat snow")).all()
    assert index.shares("cat snow")[0] < index.shares("cat")[0]


@pytest.mark.parametrize("texts", [[], [""], ["", "!?"]])
def test_nothing_is_found_in_nothing(texts: list[str]) -> None:
    assert Bm25(texts).scores("cat").tolist() == [0.0] * len(texts)
    assert Bm25(texts).shares("cat").tolist() == [0.0] * len(texts)


@pytest.mark.parametrize("query", ["", "  ", "!?", "\x00", "\ud800"])
def test_a_query_without_words_finds_nothing(query: str) -> None:
    assert not Bm25(TEXTS).scores(query).any()
    assert not Bm25(TEXTS).shares(query).any()


def test_words_of_every_script_are_found() -> None:
    texts = ["Die Straße ist nass.", "Улица мокрая.", "الشارع مبلل", "ὁ δρόμος", "number 42"]
    for place, query in enumerate(["STRASSE straße", "улица", "الشارع", "ΔΡΌΜΟΣ δρόμος", "42"]):
        assert Bm25(texts).scores(query).argmax() == place, query


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Two dogs barked.", ["two", "dog", "bark"]),
        ("boxes, eating; as is his gas", ["box", "eat", "as", "is", "his", "gas"]),
        ("snake_case C3PO", ["snake_case", "c3po"]),
        ("don't", ["don", "t"]),
        ("", []),
        ("\x00 \ud800 … 🍲", []),
    ],
)
def test_words_are_lower_case_without_common_endings(text: str, found: list[str]) -> None:
    assert words(text) == found
