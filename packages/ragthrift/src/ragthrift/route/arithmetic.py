"""Equations that a text writes out, worked out again."""

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

_NUMBER = re.compile(r"(?<!\w)(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
_TERM = r"[\d\s.,$%()+\-\u2212\u2013*/\u00d7x\u00f7\\]"
_EQUATION = re.compile(
    rf"([\d$(.]{_TERM}{{0,60}}?[+\-\u2212\u2013*/\u00d7x\u00f7]{_TERM}{{0,60}}?)=\s*\$?\s*(-?\d[\d,]*(?:\.\d+)?)"
)
_ANNOTATED = re.compile(r"<<([^=<>]{1,80})=([^<>=]{1,30})")
_ANNOTATION = re.compile(r"<<[^<>]*(?:>>|$)")
_PLAIN = str.maketrans(
    {"\u00d7": "*", "x": "*", "\u00f7": "/", "\u2212": "-", "\u2013": "-", "\\": "", "$": ""}
)
_GROUPED = re.compile(r"(?<=\d),(?=\d{3})")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_EXPRESSION = re.compile(r"[\d\s.()+\-*/]{1,80}")
_MOST = 1e15
"""A number above it is an id or noise."""
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Equation:
    """One equation: what its left side comes to, and what the text says."""

    worth: float
    said: float

    @property
    def holds(self) -> bool:
        """Whether both agree, rounding to the cent or to a percent allowed."""
        return abs(self.worth - self.said) <= max(0.011 * abs(self.worth), 0.006)


def equations(text: str) -> list[Equation]:
    """The equations of a text whose left side is numbers and signs, calculator marks included.

    >>> [e.holds for e in equations("3 x 12 = 36 eggs, so 36 / 4 = 8 each. <<5*2=10>>")]
    [True, True, False]
    """
    pairs = [match.groups() for match in _ANNOTATED.finditer(text)]
    pairs += [match.groups() for match in _EQUATION.finditer(without_annotations(text))]
    found = [(_worth(left), _number(right)) for left, right in pairs]
    return [Equation(w, s) for w, s in found if w is not None and s is not None]


def numbers(text: str) -> list[float]:
    """The numbers of a text, without sign; thousands may be grouped.

    >>> numbers("1,200 of 3.5")
    [1200.0, 3.5]
    """
    found = (_number(match) for match in _NUMBER.findall(text))
    return [number for number in found if number is not None]


def without_annotations(text: str) -> str:
    """The text without calculator marks such as `<<3*60=180>>`."""
    return _ANNOTATION.sub("", text)


def _number(text: str) -> float | None:
    cleaned = text.strip().translate(_PLAIN).replace(",", "")
    try:
        number = float(cleaned)
    except ValueError:
        return None
    return number if abs(number) < _MOST else None


def _worth(left: str) -> float | None:
    plain = _PERCENT.sub(r"(\1/100)", _GROUPED.sub("", left.translate(_PLAIN))).strip()
    if not _EXPRESSION.fullmatch(plain) or "**" in plain or "//" in plain:
        return None
    try:
        return _evaluated(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, ValueError, OverflowError):
        return None


def _evaluated(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _evaluated(node.operand)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluated(node.left), _evaluated(node.right))
    raise ValueError("no arithmetic")
