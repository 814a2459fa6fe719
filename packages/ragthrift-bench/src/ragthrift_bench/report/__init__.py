"""What a run found, for readers: `report.md` and one self-contained `report.html`."""

from ragthrift_bench.report.html import write_html
from ragthrift_bench.report.markdown import write_markdown

__all__ = ["write_html", "write_markdown"]
