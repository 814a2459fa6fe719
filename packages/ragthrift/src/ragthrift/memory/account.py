"""What a memory used, and what the same calls would have used without it."""

from dataclasses import dataclass, fields

from ragthrift.usage import Usage


@dataclass(frozen=True, slots=True)
class Account:
    """Tokens of a session's prompts and of its summariser; it adds up.

    Answers are left out: they are billed alike with a memory and without. What a provider's prompt
    cache served is worked out from equal beginnings of one prompt and the next.

    >>> (Account(calls=1, full_tokens=900) + Account(calls=1, full_tokens=1000)).full_tokens
    1900
    """

    calls: int = 0
    """Prompts that were built."""
    warm_calls: int = 0
    """Those that followed another one before the provider's cache forgot it."""
    recallable_calls: int = 0
    """Those with old turns that are not sent."""
    recalls: int = 0
    """Those for which some of them were fetched back."""
    full_tokens: int = 0
    """Of the same prompts with the whole history."""
    full_cached: int = 0
    view_tokens: int = 0
    view_cached: int = 0
    compactions: int = 0
    failures: int = 0
    """Summaries that could not be made or were refused; each is tried again later."""
    input_tokens: int = 0
    """What the summariser used, failed attempts included."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: "Account") -> "Account":
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Account(**sums)

    @property
    def summariser(self) -> Usage:
        """Every token of the summariser."""
        return Usage(
            self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_write_tokens
        )

    @property
    def full(self) -> Usage:
        """The prompts with the whole history."""
        return Usage(self.full_tokens, 0, self.full_cached)

    @property
    def view(self) -> Usage:
        """The prompts that were built."""
        return Usage(self.view_tokens, 0, self.view_cached)

    @property
    def cached_share(self) -> float:
        """Share of the prompt tokens that a prompt cache can serve."""
        return self.view_cached / self.view_tokens if self.view_tokens else 0.0


def summarised(usage: Usage, *, failed: bool) -> Account:
    """One summary that was made, or that failed, and its tokens."""
    return Account(
        compactions=int(not failed),
        failures=int(failed),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
