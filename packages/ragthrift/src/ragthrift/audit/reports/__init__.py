"""What an audit found, for readers: a terminal, Markdown, and one page of HTML."""

from ragthrift.audit.reports.html import html, write_html
from ragthrift.audit.reports.markdown import markdown
from ragthrift.audit.reports.terminal import show

__all__ = ["html", "markdown", "show", "write_html"]
