"""What a memory saved, net of what it cost."""

from dataclasses import dataclass

from ragthrift.memory.account import Account
from ragthrift.memory.policy import Caching
from ragthrift.types import Price
from ragthrift.usage import Savings


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """One session's account, or that of all, with its sums."""

    account: Account
    tokens: Savings
    """Prompt tokens with the whole history, and with the view and the summariser's tokens."""
    dollars: Savings | None
    """The same at real prices, cached tokens at theirs; `None` where a price is not known."""

    @property
    def calls_per_summary(self) -> float | None:
        """How rare summaries are; `None` if there was none."""
        made = self.account.compactions
        return self.account.calls / made if made else None

    def __str__(self) -> str:
        account = self.account
        lines = [
            f"{account.calls} calls, {account.compactions} summaries, {account.failures} failed",
            f"tokens   {self.tokens.before:.0f} -> {self.tokens.after:.0f} "
            f"({self.tokens.share:+.1%} saved)",
            f"cached   {account.cached_share:.1%} of the prompts",
        ]
        if self.dollars is None:
            return "\n".join([*lines, "dollars  unknown: no price is known"])
        worth = f"{self.dollars.before:.6f} -> {self.dollars.after:.6f}"
        return "\n".join([*lines, f"dollars  {worth} ({self.dollars.share:+.1%} saved, net)"])


def report_of(account: Account, caching: Caching, summariser: Price | None) -> MemoryReport:
    """Sum an account up; `summariser` is the price of the model that summarises.

    >>> account = Account(calls=9, full_tokens=9000, view_tokens=3000, input_tokens=500)
    >>> print(report_of(account, Caching(), None))
    9 calls, 0 summaries, 0 failed
    tokens   9000 -> 3500 (+61.1% saved)
    cached   0.0% of the prompts
    dollars  unknown: no price is known
    """
    used = account.summariser.total_tokens
    tokens = Savings(account.full_tokens, account.view_tokens + used)
    price = caching.price
    if price is None or (used and summariser is None):
        return MemoryReport(account, tokens, None)
    paid = summariser.dollars(account.summariser) if summariser else 0.0
    return MemoryReport(
        account, tokens, Savings(price.dollars(account.full), price.dollars(account.view) + paid)
    )
