"""Conditions on which a build fails: `dollars_per_call>0.01`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ragthrift.audit.report import Audit
from ragthrift.errors import InputError

_FORM = re.compile(
    r"\s*(?:(?P<type>.+?)\s*:)?\s*(?P<name>[a-z0-9_]+)\s*(?P<sign><=|>=|<|>)\s*(?P<limit>\S+)\s*"
)
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}
_WHOLE: Mapping[str, Callable[[Audit], float | None]] = {
    "dollars": lambda audit: audit.coverage.dollars,
    "dollars_per_call": lambda audit: audit.coverage.dollars_per_call,
    "priced_share": lambda audit: audit.coverage.priced_share,
    "measured_share": lambda audit: audit.coverage.measured_share,
    "calls": lambda audit: audit.coverage.calls,
    "failed": lambda audit: audit.coverage.failed,
    "saving_share": lambda audit: (
        audit.plan.together.expected / audit.coverage.dollars if audit.coverage.dollars else None
    ),
}
_OF_TYPE = (
    "calls",
    "dollars",
    "dollars_per_call",
    "share",
    "input_p50",
    "input_p95",
    "output_p50",
    "output_p95",
    "cached_share",
    "reasoning_share",
    "retries",
    "truncated",
    "failed",
    "unpriced",
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A condition that must not hold, of the whole ledger or of one type of request.

    >>> Limit.read("faq: dollars_per_call > 0.01")
    Limit(name='dollars_per_call', sign='>', limit=0.01, request_type='faq')
    """

    name: str
    sign: str
    limit: float
    request_type: str = ""

    @classmethod
    def read(cls, text: str) -> "Limit":
        """From a command line."""
        found = _FORM.fullmatch(text)
        try:
            if found is None:
                raise ValueError
            limit = float(found["limit"])
        except ValueError as error:
            raise InputError(
                f"cannot read the limit {text!r}; write it as 'dollars_per_call>0.01', or for one "
                "type of request as 'faq: output_p95>500'"
            ) from error
        kind = found["type"] or ""
        names = _OF_TYPE if kind else tuple(_WHOLE)
        if found["name"] not in names:
            raise InputError(f"{found['name']!r} is no figure to limit; use {', '.join(names)}")
        return cls(found["name"], found["sign"], limit, kind)

    def broken(self, audit: Audit) -> str:
        """What is beyond the limit, "" if nothing is; an unknown figure is beyond every limit."""
        value = self._value(audit)
        of = f"{self.request_type}: " if self.request_type else ""
        told = f"{of}{self.name}{self.sign}{self.limit:g}"
        if value is None:
            return f"{told}: {self.name} is not known"
        if _COMPARE[self.sign](value, self.limit):
            return f"{told}: {self.name} is {value:.6g}"
        return ""

    def _value(self, audit: Audit) -> float | None:
        if not self.request_type:
            return _WHOLE[self.name](audit)
        for row in audit.types:
            if row.name == self.request_type:
                found = getattr(row, self.name)
                return None if found is None else float(found)
        known = ", ".join(row.name for row in audit.types[:10])
        raise InputError(f"no calls of the type {self.request_type!r}; there are {known}")
