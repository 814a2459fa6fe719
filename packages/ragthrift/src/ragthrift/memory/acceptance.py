"""What may stand for turns: a whole text of the right length, and never an error's."""

import re
from dataclasses import replace

from ragthrift.memory.summariser import Summary, SummaryError
from ragthrift.protocols import TokenCounter

SLACK = 1.1
"""Counters differ: so much longer than asked for is not yet too long."""
_SHORT = 600
_BEGINNINGS = (
    r"(?:error|exception|status|http)(?: code| status)?\W{0,4}\d{3}\b|error\s*:",
    r"\"?error\"?\W+(?:message|type|code)\b",
    r"[45]\d\d\W+(?:\w+ )?(?:error|too many|bad|forbidden|unauthori[sz]ed|not found|service"
    r"|gateway|internal|request)",
    r"(?:[\w.]+\.)?\w+(?:Error|Exception)\b\s*[:(]|traceback \(most recent",
    r"rate[ _]?limit\w* (?:is |was |has been )?(?:reached|exceeded|hit)|rate_limit",
    r"too many requests",
    r"internal server|bad gateway|gateway time-?out|service (?:is )?(?:temporarily )?unavailable",
    r"insufficient_quota|overloaded_error|context_length_exceeded|quota exceeded|invalid api key",
    r"you exceeded your current quota|prompt is too long|this model'?s maximum context",
    r"(?:an? |the )?(?:unexpected |internal |unknown )?error (?:has )?occurr?ed",
    r"the (?:server|model|service|engine|api) (?:is|had|has)\b.{0,40}\b(?:overload|unavail|error)",
    r"(?:the )?request (?:has )?(?:timed out|failed|was rejected)",
    r"connection (?:error|refused|reset)|something went wrong",
    r"failed to (?:generate|summari[sz]e|complete|connect|fetch)",
    r"(?:i'?m )?sorry,? (?:but )?(?:i\b|something|an error)|as an ai\b",
    r"i (?:can'?t|cannot|can not|am unable to) (?:help|assist|summari|provide|comply|do)",
    r"previous conversation was too long",
)
_ERROR = re.compile(rf"[\W_]*(?:{'|'.join(_BEGINNINGS)})", re.IGNORECASE | re.DOTALL)
"""How providers, their clients and frameworks begin an error's text, and models a refusal."""


def accepted(summary: Summary, *, max_tokens: int, counter: TokenCounter) -> Summary:
    """The summary, if it may stand for turns.

    >>> from ragthrift.tokens import EstimatedTokens
    >>> accepted(Summary("Error code: 429"), max_tokens=99, counter=EstimatedTokens())
    Traceback (most recent call last):
    ragthrift.memory.summariser.SummaryError: the summary is the text of an error: 'Error code: 429'
    """
    text = summary.text.strip()
    fault = _fault(summary, text, max_tokens, counter)
    if fault:
        raise SummaryError(fault, summary.usage)
    return replace(summary, text=text)


def _fault(summary: Summary, text: str, max_tokens: int, counter: TokenCounter) -> str | None:
    if summary.finish_reason != "stop":
        return f"the summary ended by {summary.finish_reason!r}, not by itself"
    if not text and not summary.facts:
        return "the summary is empty"
    if reads_as_error(text):
        return f"the summary is the text of an error: {text[:80]!r}"
    if (tokens := counter.count(text)) > max_tokens * SLACK:
        return f"the summary has {tokens} tokens, more than the {max_tokens} asked for"
    return None


def reads_as_error(text: str) -> bool:
    """Whether a text is an error's or a refusal's: short, and begun like one.

    A text about errors is none.

    >>> reads_as_error("openai.RateLimitError: 429"), reads_as_error("I'm sorry, I can't.")
    (True, True)
    >>> reads_as_error("The user gets a ValueError: no such file. They run Python 3.11.")
    False
    """
    return len(text) <= _SHORT and _ERROR.match(text) is not None
