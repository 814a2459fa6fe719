"""The figures are true to the numbers, and nothing in them lies on anything else."""

from dataclasses import replace
from functools import partial
from itertools import combinations
from math import dist
from random import Random

import pytest

from ragthrift.page.lettering import text_width, wrapped
from ragthrift.page.sheets import NARROW, SHEETS, WIDE, Drawing, Sheet
from ragthrift_bench.report.frontier import frontier, points_of
from ragthrift_bench.report.html import html
from ragthrift_bench.report.labels import Box, placed
from ragthrift_bench.report.lines import lines
from ragthrift_bench.report.pareto import pareto
from ragthrift_bench.report.scatter import scatter
from ragthrift_bench.report.waterfall import steps, waterfall
from ragthrift_bench.results import Results
from tests.bench.pages import Element, parsed
from tests.bench.synthetic import LONG, TWELVE, make_results, odd_run


@pytest.fixture(scope="module")
def results() -> Results:
    return make_results(TWELVE)


@pytest.fixture(
    params=["two configurations", "one question", "only the baseline", "long names", "costs more"]
)
def odd(request: pytest.FixtureRequest) -> Results:
    return odd_run(request.param)


def texts(drawing: Drawing) -> list[Element]:
    return parsed(drawing.svg).all("text")


def extent(text: Element) -> tuple[float, float]:
    kind = str(text.attributes["class"])
    x = float(str(text.attributes["x"]))
    width = text_width(text.text, 13 if "name" in kind or "amount" in kind else 12)
    left = x - width * (1 if "end" in kind else 0.5 if "middle" in kind else 0)
    return left, left + width


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_no_text_leaves_its_sheet(odd: Results, sheet: Sheet) -> None:
    found = lines(odd)
    for drawing in (pareto(found, odd.metric, odd.margin, sheet), waterfall(found, sheet)):
        height = float(str(parsed(drawing.svg).all("svg")[0].attributes["height"]))
        for text in texts(drawing):
            left, right = extent(text)
            assert left >= -3, text.text
            assert right <= sheet.width + 3, text.text
            assert 0 < float(str(text.attributes["y"])) <= height


def test_every_point_is_named_or_numbered(odd: Results) -> None:
    for sheet in SHEETS:
        drawing = pareto(lines(odd), odd.metric, odd.margin, sheet)
        shown = "".join("".join(text.text.split()) for text in texts(drawing))
        for number, outcome in enumerate(odd.outcomes, 1):
            name = str(number) if drawing.key else "".join(outcome.name.split())
            assert name in shown
        assert drawing.key in ((), tuple(outcome.name for outcome in odd.outcomes))


def test_names_that_do_not_fit_stand_in_the_key_of_the_page() -> None:
    crowd = odd_run("long names")
    assert pareto(lines(crowd), crowd.metric, crowd.margin, NARROW).key
    listed = [item.text for item in parsed(html(crowd)).all("li")]
    assert all(outcome.name in listed for outcome in crowd.outcomes)


def test_the_frontier_is_what_nothing_dominates(results: Results) -> None:
    points = points_of(lines(results))
    kept = {
        point.name
        for point in points
        if not any(
            other.dollars <= point.dollars
            and other.quality >= point.quality
            and (other.dollars, other.quality) != (point.dollars, point.quality)
            for other in points
        )
    }
    assert {point.name for point in frontier(points)} == kept
    assert 1 < len(kept) < len(points)


def test_error_bars_are_the_intervals(results: Results) -> None:
    baseline, *others = points_of(lines(results))
    assert baseline.quality_ends == (baseline.quality, baseline.quality)
    for point, outcome in zip(others, results.outcomes[1:], strict=True):
        assert outcome.comparison is not None
        low, high = point.quality_ends
        change = outcome.comparison.quality
        assert low == pytest.approx(100 * (results.baseline.mean("token_f1") + change.low))
        assert high == pytest.approx(100 * (results.baseline.mean("token_f1") + change.high))
        assert low <= point.quality <= high
        assert point.dollars_ends[0] <= point.dollars <= point.dollars_ends[1]


def test_bars_are_as_long_as_the_dollars(results: Results) -> None:
    found = lines(results)
    page = parsed(waterfall(found, WIDE).svg)
    bars = [float(str(bar.attributes["width"])) for bar in page.all("rect", "paid")]
    rows = steps(found)
    assert [row.name for row in rows] == [
        "baseline",
        "rerank",
        "compress",
        "cache",
        "all",
        "summarise",
        "expand",
    ]
    for bar, row in zip(bars, rows, strict=True):
        paid = min(row.dollars, found[0].dollars)
        assert bar / bars[0] == pytest.approx(paid / found[0].dollars, abs=0.002)
    assert len(page.all("rect", "saved")) == 5
    assert len(page.all("rect", "extra")) == 1


def test_without_levers_the_waterfall_shows_all(results: Results) -> None:
    bare = [replace(line, levers=()) for line in lines(results)]
    assert steps(bare) == bare


def test_the_waterfall_ends_with_all_levers() -> None:
    found = lines(make_results(questions=20))
    assert [line.name for line in steps(found)] == [
        "baseline",
        "rerank",
        "compress",
        "cache",
        "all",
    ]


def test_the_scatter_counts_every_question(results: Results) -> None:
    baseline = {row.case_id: row for row in results.baseline.rows}
    for panel, outcome in zip(scatter(results), results.outcomes[1:], strict=True):
        changes = [
            row.quality["token_f1"] - baseline[row.case_id].quality["token_f1"]
            for row in outcome.rows
        ]
        assert panel.name == outcome.name
        assert panel.better == sum(change > 0 for change in changes)
        assert panel.worse == sum(change < 0 for change in changes)
        assert panel.better + panel.same + panel.worse == len(outcome.rows)
        dots = parsed(panel.svg).all("circle", "dot")
        assert 0 < len(dots) <= len(outcome.rows)


def test_the_page_stays_small_with_many_questions() -> None:
    many = make_results({"rerank": ("rerank",)}, questions=3000)
    assert len(html(many)) < 150_000


def test_labels_neither_overlap_nor_mislead() -> None:
    paper, fitted = Box(0, 0, 700, 400), 0
    for seed in range(40):
        chance = Random(seed)
        points = [(chance.uniform(20, 680), chance.uniform(20, 380)) for _ in range(9)]
        sizes = [(chance.uniform(20, 110), 16.0) for _ in points]
        marks = [Box(x - 7, y - 7, 14, 14) for x, y in points]
        boxes = placed(points, sizes, paper, taken=marks) or []
        fitted += bool(boxes)
        assert not any(ours.overlaps(theirs) for ours, theirs in combinations(boxes, 2))
        assert not any(box.overlaps(mark) for box in boxes for mark in marks)
        for box, point in zip(boxes, points, strict=bool(boxes)):
            assert box.within(paper)
            assert min(points, key=partial(distance, box)) == point
    assert fitted > 25


def distance(box: Box, point: tuple[float, float]) -> float:
    return dist(box.nearest(point), point)


def test_labels_give_up_unless_told_to_insist() -> None:
    points, sizes = [(50.0, 50.0)] * 3, [(80.0, 16.0)] * 3
    tight = Box(0, 0, 100, 100)
    assert placed(points, sizes, tight) is None
    assert len(placed(points, sizes, tight, insist=True) or []) == 3


@pytest.mark.parametrize("width", [60.0, 120.0, 300.0])
def test_wrapped_names_lose_nothing_and_fit(width: float) -> None:
    rows = wrapped(LONG, width, 13)
    assert "".join("".join(rows).split()) == "".join(LONG.split())
    assert all(text_width(row, 13) <= width for row in rows)
