"""A sample of calls as arrays, so that what would be billed otherwise is quickly told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ragthrift.audit.billed import UNSPLIT, Billed, prompt_shares
from ragthrift.ledger import Call
from ragthrift.ledger.pricing import Prices
from ragthrift.usage import Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Level = Literal["low", "expected", "high"]
LEVELS: tuple[Level, Level, Level] = ("low", "expected", "high")

KINDS = ("tools", "system", "example", "document", "history", "question", "other", UNSPLIT)
DOCUMENT, HISTORY, QUESTION = (KINDS.index(name) for name in ("document", "history", "question"))


@dataclass(frozen=True, slots=True)
class Bill:
    """n calls, their prompts in the k kinds of `KINDS`: what is billed, and at which rates.

    `dollars` prices it anew, so that levers change counts and rates and nothing else.
    """

    calls: tuple[Call, ...]
    tokens: "Floats"
    """Shape (n, k): prompt tokens."""
    read: "Floats"
    """Shape (n, k): the share of `tokens` that the provider's cache served."""
    write: "Floats"
    """Shape (n, k): the share of `tokens` that was written to it."""
    output: "Floats"
    reasoning: "Floats"
    """Shape (n,), as all that follow: tokens."""
    fresh_rate: "Floats"
    read_rate: "Floats"
    write_rate: "Floats"
    output_rate: "Floats"
    """Dollars for a token."""
    fixed: "Floats"
    """Dollars of a call that hang on none of these tokens: fees, dearer classes."""
    made: "Floats"
    """Share of the calls that are still made."""
    factor: "Floats"
    """On the whole call's dollars: of a batch, of a cheaper model."""

    @property
    def dollars(self) -> "Floats":
        """Shape (n,)."""
        fresh = 1 - self.read - self.write
        rates = (
            fresh * self.fresh_rate[:, None]
            + self.read * self.read_rate[:, None]
            + self.write * self.write_rate[:, None]
        )
        prompt = (self.tokens * rates).sum(axis=1)
        answer = (self.output + self.reasoning) * self.output_rate
        paid: Floats = (prompt + answer + self.fixed) * self.made * self.factor
        return paid

    @property
    def total(self) -> float:
        """Dollars of all."""
        return float(self.dollars.sum())

    def flags(self, tell: "Sequence[bool]") -> "Flags":
        """Shape (n,), from one truth for each call."""
        import numpy as np

        return np.array(tell, dtype=bool)

    @property
    def answers(self) -> "Flags":
        """Calls that answer a user, in difference to repairs, judges and summaries."""
        return self.flags([call.purpose == "answer" for call in self.calls])

    def scaled(self, kind: int, share: "Floats") -> "Bill":
        """With fewer tokens of a kind: shape (n,)."""
        tokens = self.tokens.copy()
        tokens[:, kind] *= share
        return replace(self, tokens=tokens)


def bill_of(calls: Sequence[Call], prices: Prices) -> Bill:
    """From calls that have a price."""
    import numpy as np

    rows = [_Row(call, prices) for call in calls]
    tokens = np.array([row.tokens for row in rows]).reshape(len(rows), len(KINDS))
    some = np.where(tokens > 0, tokens, 1.0)
    read = np.array([row.read for row in rows]).reshape(tokens.shape) / some
    write = np.array([row.write for row in rows]).reshape(tokens.shape) / some
    rates = np.array([row.rates for row in rows]).reshape(len(rows), 4)
    bill = Bill(
        calls=tuple(calls),
        tokens=tokens,
        read=read,
        write=write,
        output=np.array([row.answer for row in rows]),
        reasoning=np.array([row.thought for row in rows]),
        fresh_rate=rates[:, 0],
        read_rate=rates[:, 1],
        write_rate=rates[:, 2],
        output_rate=rates[:, 3],
        fixed=np.zeros(len(rows)),
        made=np.ones(len(rows)),
        factor=np.ones(len(rows)),
    )
    return replace(bill, fixed=np.array([row.dollars for row in rows]) - bill.dollars)


class _Row:
    """One call's counts and rates."""

    def __init__(self, call: Call, prices: Prices) -> None:
        paid = prices.parts(call)
        self.dollars = float(paid.total) if paid else 0.0
        self.tokens, self.read, self.write = ([0.0] * len(KINDS) for _ in range(3))
        for kind, fresh, read, write in prompt_shares(call):
            at = KINDS.index(kind)
            self.tokens[at] += fresh + read + write
            self.read[at] += read
            self.write[at] += write
        self.thought = float(
            min(call.classes.get("output_reasoning_tokens", 0), call.usage.output_tokens)
        )
        self.answer = call.usage.output_tokens - self.thought
        self.rates = rates_of(call, prices)


def rates_of(call: Call, prices: Prices) -> tuple[float, float, float, float]:
    """Dollars for a fresh, read, written and answered token, at the call's prompt length."""
    length = max(call.usage.input_tokens, 8)
    part = length // 4
    probe = replace(call, usage=Usage(length, 1000, part, part), classes={})
    paid = prices.parts(probe)
    if paid is None:
        return 0.0, 0.0, 0.0, 0.0
    each = Billed.of(paid)
    return each.fresh / (length - 2 * part), each.read / part, each.write / part, each.output / 1000
