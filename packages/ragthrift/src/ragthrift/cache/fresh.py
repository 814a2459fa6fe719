"""What the model said, and whether it may be stored."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragthrift.cache.settings import Rules
from ragthrift.errors import ContractError
from ragthrift.types import Completion, FinishReason, Passage, ToolCall

_REFUSALS = re.compile(
    r"""^\W*(?:
      (?:(?:i'?m|i\ am|we'?re)\ )?(?:very\ |so\ |really\ )?sorry\b
    | (?:unfortunately|regrettably)?,?\ ?(?:i|we)\ (?:can(?:no|')t|could(?:\ not|n't)
        |(?:am|'m|are)\ (?:not\ able|unable)|do(?:\ not|n't)\ (?:know|have|see|find)
        |won't|will\ not|must\ decline)\b
    | i'm\ (?:not\ able|unable|not\ sure)\b
    | as\ an?\ (?:ai|artificial|large\ language|language\ model)\b
    | (?:the|this|your)\ (?:(?:provided|given|supplied|retrieved|available)\ )?
        (?:context|passages?|documents?|text|sources?|information)\ (?:provided\ )?
        do(?:es)?(?:\ not|n't)\b
    | (?:there\ is\ )?(?:no|not\ enough|insufficient)\ (?:information|context|answer|relevant)\b
    | (?:unknown|n/?a|none|not\ found|unanswerable|no\ answer)\W*$
    | (?:error|traceback|exception|internal\ server\ error|rate\ limit|request\ timed\ out)
        (?:[:(]|\W*$)
    )""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """An answer from the model, with what decides whether it may be stored."""

    text: str
    passages: Sequence[Passage] | None = None
    """What it was built from; `None` when that is not known here, empty when nothing was found."""
    finish_reason: FinishReason = "stop"
    tool_calls: tuple[ToolCall, ...] = ()
    tokens: int | None = None
    """What the call used; `None` is estimated from the text."""
    extra: bytes = b""
    """Kept with the answer and given back in `Lookup.entry`; never compared."""


def as_fresh(said: object) -> Fresh:
    """A `str`, a `Completion` or a `Fresh` as a `Fresh`."""
    match said:
        case Fresh():
            return said
        case str():
            return Fresh(said)
        case Completion():
            return Fresh(
                said.text,
                finish_reason=said.finish_reason,
                tool_calls=said.tool_calls,
                tokens=said.usage.total_tokens,
            )
    raise ContractError(
        f"the model's call returned a {type(said).__name__}; return a str, a Completion or a Fresh"
    )


def is_refusal(answer: str) -> bool:
    """Whether an answer says that there is none, or is an error in words.

    >>> [is_refusal(a) for a in ("I'm sorry, I can't help with that.", "I don't know.")]
    [True, True]
    >>> [is_refusal(a) for a in ("You can't park there.", "No, it closes at three.")]
    [False, False]
    """
    return _REFUSALS.match(answer.replace("\u2019", "'")) is not None


def why_not_store(question: str, fresh: Fresh, rules: Rules) -> str | None:
    """The reason not to store an answer, or `None`."""
    declared = rules.deterministic_tools
    allowed = {"stop", "tool_calls"} if declared and fresh.tool_calls else {"stop"}
    reasons = {
        "empty": not fresh.text.strip(),
        "unfinished": fresh.finish_reason not in allowed,
        "tool_calls": any(call.name not in declared for call in fresh.tool_calls),
        "nothing_retrieved": fresh.passages is not None and not fresh.passages,
        "refusal": is_refusal(fresh.text),
    }
    for reason, holds in reasons.items():
        if holds:
            return reason
    if rules.gate is not None and not rules.gate(question, fresh.text, fresh.passages or ()):
        return "gate"
    return None
