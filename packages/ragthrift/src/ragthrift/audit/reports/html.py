"""One page with everything in it, for any browser and for paper."""

import os
from pathlib import Path
from typing import Any

from ragthrift.audit.projection import Projection
from ragthrift.audit.report import Audit
from ragthrift.audit.reports import words
from ragthrift.audit.reports.pareto import Bar, pareto
from ragthrift.audit.reports.spans import spans
from ragthrift.audit.reports.tables import lever_table, sections, step_table
from ragthrift.page.environment import environment
from ragthrift.page.sheets import SHEETS, Drawing


def write_html(audit: Audit, path: str | os.PathLike[str]) -> None:
    """Write the page; equal audits make equal bytes."""
    Path(path).write_text(html(audit), encoding="utf-8", newline="\n")


def html(audit: Audit) -> str:
    """The report as a page: no script, nothing to fetch."""
    pages = environment("ragthrift.audit.reports")
    pages.globals["icon"] = str
    found = sections(audit)
    return (
        pages.get_template("audit.html.j2").render(
            headline=words.headline(audit),
            facts=words.facts(audit),
            warnings=words.warnings(audit),
            together=words.together(audit),
            cards=[_card(number, audit) for number in range(min(4, len(audit.plan.steps)))],
            steps=step_table(audit),
            levers=lever_table(audit),
            told=[_told(projection) for projection in audit.plan.projections],
            sections=found,
            types=_types(audit),
            sources=_sources(audit),
            spans=_spans(audit),
        )
        + "\n"
    )


def _card(number: int, audit: Audit) -> dict[str, Any]:
    step = audit.plan.steps[number]
    whole = audit.coverage.dollars
    found = next(one for one in audit.plan.projections if one.lever == step.lever)
    return {
        "name": f"{number + 1}. {step.lever}",
        "share": words.hundredths(step.dollars.expected / whole),
        "dollars": words.dollars(step.dollars.expected),
        "span": words.dollar_span(step.dollars),
        "basis": found.basis,
        "risk": found.risk,
    }


def _told(found: Projection) -> dict[str, str]:
    return {
        "name": found.lever,
        "title": found.title,
        "code": found.code,
        "assumes": found.assumes,
        "risk": f"Risk {found.risk}: {found.caution}.",
    }


def _types(audit: Audit) -> list[Drawing]:
    bars = [Bar(row.name, row.dollars) for row in audit.types]
    title = "Dollars by type of request, and what they add up to"
    return [pareto("types", title, bars, sheet) for sheet in SHEETS] if audit.sources else []


def _sources(audit: Audit) -> list[Drawing]:
    bars = [Bar(row.name, row.dollars) for row in audit.sources]
    title = "Dollars by where tokens come from, and what they add up to"
    return [pareto("sources", title, bars, sheet) for sheet in SHEETS] if bars else []


def _spans(audit: Audit) -> list[Drawing]:
    found = [one for one in audit.plan.projections if one.dollars.expected > 0]
    return [spans(found, sheet) for sheet in SHEETS] if found else []
