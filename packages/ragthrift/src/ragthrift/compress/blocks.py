"""The blocks of a text, line by line: headings, list items, tables, code, paragraphs."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ragthrift.compress.sentences import Span

BlockKind = Literal["heading", "item", "table", "code", "paragraph"]

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+\S")
_ITEM = re.compile(r"(\s*)(?:[-*+•‣◦▪]|\d{1,3}[.)]|[a-z]\)|\([a-z\d]{1,3}\))[ \t]+\S")

_TITLE_LEVEL = 7
"""Below every heading with marks."""
_PROSE_ENDS = '.!?…。！？؟।"”'  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a text that belong together."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    """Of a heading 1 to 6, of a list item its indentation."""
    rows: tuple[Span, ...] = ()
    """Of a table: its header (with the rule below it), then each row."""


class _Lines:
    """Lines with their places, and what each looks like."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans: list[Span] = []
        start = 0
        while start <= len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            self.spans.append((start, end))
            start = end + 1

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, at: int) -> str:
        if at >= len(self.spans):
            return ""
        start, end = self.spans[at]
        return self.text[start:end]

    def blank(self, at: int) -> bool:
        return not self[at].strip()

    def indented(self, at: int) -> bool:
        return self[at].startswith(("    ", "\t")) and not self.blank(at)

    def block(self, kind: BlockKind, first: int, stop: int, level: int = 0) -> Block:
        """The lines from `first` up to `stop`, without the blanks at the end of the last."""
        start, end = self.spans[first][0], self.spans[stop - 1][1]
        return Block(kind, start, start + len(self.text[start:end].rstrip()), level)


Reader = Callable[[_Lines, int], tuple[Block, int] | None]
"""Reads the block that begins at a line, and says at which line the next one does."""


def blocks(text: str) -> Iterator[Block]:
    r"""Every block in order; only blank lines stand between them.

    >>> [block.kind for block in blocks("# Rooms\n\nWe have:\n- a hall\n- a bar")]
    ['heading', 'paragraph', 'item', 'item']
    """
    lines, at, in_list = _Lines(text), 0, False
    while at < len(lines):
        if lines.blank(at):
            at += 1
            continue
        readers = [reader for reader in _READERS if not (in_list and reader is _indented_code)]
        found = next(filter(None, (reader(lines, at) for reader in readers)), None)
        block, at = found or _paragraph(lines, at)
        in_list = block.kind == "item"
        yield block


def _fenced_code(lines: _Lines, at: int) -> tuple[Block, int] | None:
    opening = _FENCE.match(lines[at])
    if opening is None:
        return None
    mark = opening[1]
    stop = at + 1
    while stop < len(lines):
        line = lines[stop].strip()
        stop += 1
        if line.startswith(mark) and not line.strip(mark[0]):
            break
    return lines.block("code", at, stop), stop


def _indented_code(lines: _Lines, at: int) -> tuple[Block, int] | None:
    if not lines.indented(at) or (at and not lines.blank(at - 1)):
        return None
    stop = at + 1
    while lines.indented(stop) or (lines.blank(stop) and lines.indented(stop + 1)):
        stop += 1
    return lines.block("code", at, stop), stop


def _table(lines: _Lines, at: int) -> tuple[Block, int] | None:
    ruled = "|" in lines[at] and _is_rule(lines[at + 1])
    columns = _columns(lines[at])
    if not ruled and not (columns and _columns(lines[at + 1]) == columns):
        return None
    first_row = at + (2 if ruled else 1)
    stop = first_row
    while "|" in lines[stop] if ruled else _columns(lines[stop]) == columns:
        stop += 1
    rows = [(lines.spans[at][0], lines.spans[first_row - 1][1]), *lines.spans[first_row:stop]]
    block = lines.block("table", at, stop)
    return Block("table", block.start, block.end, rows=tuple(rows)), stop


def _is_rule(line: str) -> bool:
    return "-" in line and "|" in line and set(line) <= set("|:-+ \t\r")


def _columns(line: str) -> tuple[str, int] | None:
    """The separator and how often it stands in the line; `None` for a line that is no row."""
    stripped = line.strip(" \r")
    if stripped.startswith("|") and stripped.count("|") > 1:
        return "|", stripped.count("|")
    tabs = stripped.count("\t")
    return ("\t", tabs) if tabs and not stripped.startswith("\t") else None


def _heading(lines: _Lines, at: int) -> tuple[Block, int] | None:
    marked = _HEADING.match(lines[at])
    if marked:
        return lines.block("heading", at, at + 1, len(marked[1])), at + 1
    under = lines[at + 1].strip()
    alone = at == 0 or lines.blank(at - 1)
    if alone and len(under) > 2 and len(set(under)) == 1 and under[0] in "=-":
        return lines.block("heading", at, at + 2, 1 if under[0] == "=" else 2), at + 2
    if alone and _is_title(lines, at):
        return lines.block("heading", at, at + 1, _TITLE_LEVEL), at + 1
    return None


_LONG_LINE = 120
"""Characters; a longer line is prose even where a chunk was cut before its full stop."""


def _is_title(lines: _Lines, at: int) -> bool:
    """Whether a line without marks stands over prose: short, no sentence, and at a break."""
    line = lines[at].strip()
    below = lines[at + 1].strip() or lines[at + 2].strip()
    at_break = at == 0 or lines.blank(at + 1)
    short = len(line) <= 80 and len(line.split()) <= 10 and len(line) < len(below)
    opens = not line[0].islower() and bool(below) and not below[0].islower()
    closes = line[-1].isalnum() or line[-1] in ")]"
    prose = bool(below) and (below[-1] in _PROSE_ENDS or len(below) > _LONG_LINE)
    return at_break and short and opens and closes and prose


def _item(lines: _Lines, at: int) -> tuple[Block, int] | None:
    marked = _ITEM.match(lines[at])
    if marked is None:
        return None
    indentation = len(marked[1].expandtabs(4))
    stop = at + 1
    while _continues(lines, stop, indentation):
        stop += 1
    return lines.block("item", at, stop, indentation), stop


def _continues(lines: _Lines, at: int, indentation: int) -> bool:
    line = lines[at]
    deeper = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip()) > indentation
    return deeper and not lines.blank(at) and not _ITEM.match(line) and not _FENCE.match(line)


def _paragraph(lines: _Lines, at: int) -> tuple[Block, int]:
    stop = at + 1
    while not lines.blank(stop) and not any(reader(lines, stop) for reader in _INTERRUPTING):
        stop += 1
    return lines.block("paragraph", at, stop), stop


def _fence_line(lines: _Lines, at: int) -> tuple[Block, int] | None:
    """A fence, without reading on to its end."""
    return (lines.block("code", at, at + 1), at + 1) if _FENCE.match(lines[at]) else None


def _table_head(lines: _Lines, at: int) -> tuple[Block, int] | None:
    """A table's first two rows, without reading on to its end."""
    ruled = "|" in lines[at] and _is_rule(lines[at + 1])
    columns = _columns(lines[at])
    begins = ruled or (columns and _columns(lines[at + 1]) == columns)
    return (lines.block("table", at, at + 1), at + 1) if begins else None


def _item_line(lines: _Lines, at: int) -> tuple[Block, int] | None:
    """A list item's first line."""
    return (lines.block("item", at, at + 1), at + 1) if _ITEM.match(lines[at]) else None


_READERS: tuple[Reader, ...] = (_fenced_code, _table, _heading, _item, _indented_code)
_INTERRUPTING: tuple[Reader, ...] = (_fence_line, _table_head, _heading, _item_line)
