"""The page itself: valid, self-contained, and readable without eyes."""

import re
from collections import Counter

import pytest

from ragthrift_bench.report.html import html
from ragthrift_bench.results import Results
from tests.bench.pages import parsed
from tests.bench.synthetic import TWELVE, make_results, odd_run


@pytest.fixture(scope="module")
def results() -> Results:
    return make_results(TWELVE)


@pytest.fixture(
    params=["two configurations", "one question", "only the baseline", "long names", "costs more"]
)
def odd(request: pytest.FixtureRequest) -> Results:
    return odd_run(request.param)


def test_tags_are_balanced(odd: Results) -> None:
    assert parsed(html(odd)).all("main")


def test_the_page_loads_nothing(results: Results) -> None:
    text = html(results)
    assert not re.search(r"https?:|//[a-z]|@import|@font-face", text)
    assert "<script" not in text
    page = parsed(text)
    for name in ("link", "img", "iframe", "object", "use", "image"):
        assert not page.all(name)
    loads = [element for element in page.elements if {"src", "href"} & set(element.attributes)]
    assert not loads


def test_ids_are_unique_and_references_resolve(odd: Results) -> None:
    page = parsed(html(odd))
    ids = Counter(
        str(element.attributes["id"]) for element in page.elements if "id" in element.attributes
    )
    assert not [name for name, count in ids.items() if count > 1]
    for element in page.elements:
        for name in (element.attributes.get("aria-labelledby") or "").split():
            assert name in ids
        for name in re.findall(r"url\(#([^)]+)\)", element.attributes.get("fill") or ""):
            assert name in ids


def test_pictures_and_tables_speak_to_screen_readers(results: Results) -> None:
    page = parsed(html(results))
    for svg in page.all("svg"):
        hidden = svg.attributes.get("aria-hidden") == "true"
        assert hidden or (svg.attributes["role"] == "img" and svg.attributes["aria-labelledby"])
    assert page.all("th")
    assert all(head.attributes.get("scope") in ("col", "row") for head in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert len(page.all("figcaption")) == len(page.all("figure"))
    assert page.elements[0].attributes["lang"] == "en"


def test_numbers_of_the_page_are_those_of_the_results(results: Results) -> None:
    page = parsed(html(results))
    words = {" ".join(cell.text.split()) for cell in page.all("td")}
    for outcome in results.outcomes:
        assert f"${1000 * outcome.dollars / len(outcome.rows):.3f}" in words
        assert f"{100 * outcome.mean('exact_match'):.1f}" in words
        if outcome.comparison:
            change = outcome.comparison.quality
            told = f"{100 * change.mean:+.1f} {100 * change.low:+.1f} to {100 * change.high:+.1f}"
            told = re.sub(r"[+-](0\.0)\b", r"\1", told).replace("-", "\N{MINUS SIGN}")
            assert told in words
