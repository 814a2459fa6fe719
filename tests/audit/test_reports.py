"""Every form says the same, and the page stands on its own."""

import json
import re
from io import StringIO
from itertools import pairwise

import pytest

from ragthrift.audit import Audit, audit
from ragthrift.audit.demo import demo_calls
from ragthrift.audit.report import SCHEMA
from ragthrift.audit.reports import html, markdown, show
from ragthrift.audit.reports.pareto import MOST, Bar, fewer, pareto
from ragthrift.audit.reports.words import headline
from ragthrift.ledger import Call
from ragthrift.page.sheets import NARROW, SHEETS, Sheet
from ragthrift.usage import Usage
from tests.bench.pages import parsed


@pytest.fixture(scope="module")
def found() -> Audit:
    return audit(demo_calls(1200), synthetic=True)


def shown(found: Audit, width: int = 100) -> str:
    from rich.console import Console

    paper = StringIO()
    show(found, Console(file=paper, width=width))
    return paper.getvalue()


def test_the_page_is_well_formed_and_fetches_nothing(found: Audit) -> None:
    text = html(found)
    page = parsed(text)
    assert not page.all("script")
    assert not page.all("link")
    assert not re.search(r"(src|href)=|url\((?!#)|@import", text)
    assert len(page.all("svg")) >= 6
    identities = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(identities) == len(set(identities))


def test_every_form_says_the_headline_and_that_it_is_synthetic(found: Audit) -> None:
    said = headline(found)
    for text in (
        html(found).replace("\N{NO-BREAK SPACE}", " "),
        markdown(found),
        shown(found, 300),
    ):
        assert said in text
        assert "synthetic" in text
        assert "house-8b-instruct" in text
    assert "synthetic" not in markdown(audit(demo_calls(50)))


def test_every_lever_has_its_line_in_every_form(found: Audit) -> None:
    page = "".join(e.text for e in parsed(html(found)).all("code"))
    text, terminal = markdown(found), shown(found, 300)
    for projection in found.plan.projections:
        assert projection.code in page
        assert projection.code in text
        assert projection.code in terminal


def test_json_names_its_schema_and_is_json(found: Audit) -> None:
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told["schema"] == SCHEMA
    assert told["types"][0]["name"] == found.types[0].name
    assert told["plan"]["steps"][0]["dollars"]["expected"] > 0


def test_equal_ledgers_make_equal_bytes() -> None:
    assert html(audit(demo_calls(300))) == html(audit(demo_calls(300)))


def test_foreign_names_cannot_act() -> None:
    name = '<script>alert("x")</script> | *a* `b`'
    calls = [
        Call(model="gpt-5-mini", usage=Usage(10, 1), request_type=name, at=1.7936e9 + n)
        for n in range(3)
    ]
    found = audit(calls)
    assert not parsed(html(found)).all("script")
    assert "<script>" not in markdown(found)
    assert "alert" in shown(found)


def test_a_page_of_nothing() -> None:
    assert "known price" in parsed(html(audit([]))).all("h1")[0].text
    assert markdown(audit([]))
    assert shown(audit([]))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_the_chart_adds_up(sheet: Sheet) -> None:
    bars = [Bar(f"type {n}", 2.0**-n) for n in range(20)]
    drawing = pareto("types", "t", bars, sheet)
    page = parsed(drawing.svg)
    (curve,) = page.all("polyline")
    places = [tuple(map(float, p.split(","))) for p in (curve.attributes["points"] or "").split()]
    assert len(places) == MOST
    pairs = pairwise(places)
    assert all(one[0] <= other[0] and one[1] < other[1] for one, other in pairs)
    widths = [float(e.attributes["width"] or 0) for e in page.all("rect", "paid")]
    assert sum(widths) == pytest.approx(places[-1][0] - 2, abs=1.5)
    assert all(float(e.attributes["x"] or 0) <= sheet.width for e in page.all("text"))


def test_what_is_not_drawn_is_one_bar() -> None:
    bars = [Bar(f"type {n}", 1.0) for n in range(30)]
    kept = fewer(bars)
    assert len(kept) == MOST
    assert kept[-1] == Bar(f"{30 - MOST + 1} others", 30 - MOST + 1)
    assert pareto("types", "t", [], NARROW).svg
