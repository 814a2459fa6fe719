"""When a summary is worth what it costs."""

import math
from dataclasses import dataclass, field, replace

from ragthrift.errors import InputError, MissingExtraError
from ragthrift.provider_cache import Rewriting, TokenPrices, weigh_rewriting
from ragthrift.types import Price
from ragthrift.usage import Usage

ASSUMED = Price(1.0, 4.0, cache_read=0.1)
"""Where no price is known, only ratios: an answer's token costs 4 times one of a prompt, a cached
one a tenth, as at Anthropic and in OpenAI's newer models (genai-prices, 2026)."""
_SPAN, _SPANS = 4200, (1000, 8400)
"""Tokens between the watermarks at the usual price of cached tokens, and at any other."""
_USUAL = 9.0
"""Full price over cached, less one, where a cached token costs a tenth."""
_THOUSAND = 1000
_FAR = 200
"""As many calls as are foreseen, however long a conversation was."""


@dataclass(frozen=True, slots=True)
class Watermarks:
    """Tokens of a prompt: above `high` old turns may be summarised until `low` of them stay.

    The distance between them is what one summary stands for: the wider, the rarer they are.
    """

    high: int | None = None
    """`None` follows the price of cached tokens, see `Policy.high`."""
    low: int = 800
    """Of recent turns, word for word."""
    limit: int | None = None
    """Above it a summary is made whatever it costs; the model's window less its answer."""

    def __post_init__(self) -> None:
        high = self.limit if self.high is None else self.high
        if not 0 < self.low < (high or self.low + 1) or (high and high > (self.limit or high)):
            raise InputError(f"{self} needs 0 < low < high, and high <= limit")


@dataclass(frozen=True, slots=True)
class Caching:
    """What a provider takes for prompts, and how its prompt cache behaves."""

    price: Price | None = None
    """Of the model that answers; `None` weighs by common ratios and reports no dollars."""
    write: float | None = None
    """Dollars per million tokens written to the cache; `None` is the price of input."""
    ttl_seconds: float = 300.0
    """After so long without a call the cache forgets: 5 minutes at Anthropic, 5 to 10 at OpenAI."""
    min_tokens: int = 1024
    """Shorter prompts are not cached (OpenAI; Anthropic's smaller models have 2048)."""

    def __post_init__(self) -> None:
        if min(self.write or 0.0, self.ttl_seconds, self.min_tokens) < 0:
            raise InputError(f"{self} must hold no number below 0")

    @classmethod
    def of(cls, model: str, *, ttl_seconds: float = 300.0, min_tokens: int = 1024) -> "Caching":
        """At the published prices of a model, where they are known."""
        fresh, output, read, write = (
            _published(usage, model)
            for usage in (
                Usage(_THOUSAND),
                Usage(0, _THOUSAND),
                Usage(_THOUSAND, cache_read_tokens=_THOUSAND),
                Usage(_THOUSAND, cache_write_tokens=_THOUSAND),
            )
        )
        price = None if fresh is None or output is None else Price(fresh, output, read)
        return cls(price, write, ttl_seconds, min_tokens)

    @property
    def rates(self) -> tuple[float, float, float]:
        """Dollars per million prompt tokens: fresh, read from the cache, written to it."""
        price = self.price or ASSUMED
        read = price.input if price.cache_read is None else price.cache_read
        return price.input, read, price.input if self.write is None else self.write


@dataclass(frozen=True, slots=True)
class Situation:
    """A prompt in parts, in tokens, and how the conversation went so far."""

    before: int
    """Rules, facts and summaries."""
    old: int
    """What would be summarised; 0 if nothing can be."""
    recent: int
    """What would stay word for word."""
    summary: int
    """What the summary may take."""
    fresh: int
    """New tokens in a usual prompt."""
    calls: int
    warm: float
    """Share of the calls that came while the provider's cache still held the one before."""
    recall: float = 0.0
    """Tokens that recall is expected to add to each prompt once the turns are summarised."""
    summariser: float = 0.0
    """Dollars of the summary itself."""

    @property
    def tokens(self) -> int:
        """The prompt as it is."""
        return self.before + self.old + self.recent


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to summarise, and the sum that says so. Dollars, or ratios where no price is known.

    >>> verdict = Verdict(True, "pays", saving=0.004, summariser=0.001, rebuild=0.0005, recall=0.0)
    >>> round(verdict.net, 4)
    0.0025
    """

    compact: bool
    reason: str
    saving: float = 0.0
    """On prompts over the coming calls."""
    summariser: float = 0.0
    rebuild: float = 0.0
    """The provider's cache is written anew from where the prompt changes."""
    recall: float = 0.0
    horizon: int = 0
    """How many more calls are expected."""
    situation: Situation | None = field(default=None, repr=False)

    @property
    def net(self) -> float:
        """What remains of the saving."""
        return self.saving - self.summariser - self.rebuild - self.recall

    def explain(self) -> str:
        """The sum in words."""
        return (
            f"{'summarise' if self.compact else 'leave as it is'}: {self.reason}\n"
            f"shorter prompts, {self.horizon} calls   {self.saving:+.6f}\n"
            f"the summariser                {-self.summariser:+.6f}\n"
            f"the cache written anew        {-self.rebuild:+.6f}\n"
            f"turns recalled                {-self.recall:+.6f}\n"
            f"net                           {self.net:+.6f}"
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """Watermarks, and above them the sum of what a summary saves and what it costs."""

    watermarks: Watermarks = field(default_factory=Watermarks)
    caching: Caching = field(default_factory=Caching)
    horizon: int | None = None
    """How many more calls to expect; `None` for as many as there were (Gott, Nature 1993)."""

    def __post_init__(self) -> None:
        if self.horizon is not None and self.horizon < 0:
            raise InputError(f"horizon={self.horizon} must be a number of calls, or None")

    @property
    def high(self) -> int:
        """The high watermark in tokens.

        Without one it is 5000 where a cached token costs a tenth. The cheaper cached tokens are,
        the longer a prompt may grow before it pays to write it anew: by the root of their price's
        inverse, as stock and orders balance (Harris, 1913). On LoCoMo 5000 makes 2 summaries in
        100 calls, and a cache serves 92 % of the tokens; 4000 costs 5 % less, of which it serves
        90 %.

        >>> Policy(caching=Caching(Price(1.0, 4.0, cache_read=0.1))).high
        5000
        >>> Policy(caching=Caching(Price(1.0, 4.0))).high
        1800
        """
        marks = self.watermarks
        if marks.high is not None:
            return marks.high
        full, read, _ = self.caching.rates
        rewriting = max(full / read - 1, 0.0) if read else math.inf
        span = min(max(_SPAN * math.sqrt(rewriting / _USUAL), _SPANS[0]), _SPANS[1])
        return min(marks.low + round(span), marks.limit or _SPANS[1] + marks.low)

    def decide(self, now: Situation) -> Verdict:
        """Weigh one summary.

        >>> now = Situation(before=200, old=4000, recent=1000, summary=200, fresh=90, calls=40,
        ...     warm=1.0)
        >>> Policy().decide(now).reason
        'it saves more than it costs'
        >>> Policy(horizon=2).decide(now).reason
        'it costs more than it saves'
        """
        marks = self.watermarks
        if not now.old:
            return Verdict(False, "nothing can be cut off", situation=now)
        if now.tokens <= self.high:
            reason = f"{now.tokens} tokens are not above the high watermark of {self.high}"
            return Verdict(False, reason, situation=now)
        weighed = self._sum(now)
        if marks.limit is not None and now.tokens > marks.limit:
            return replace(weighed, compact=True, reason=f"above the limit of {marks.limit} tokens")
        if weighed.net > 0:
            return replace(weighed, compact=True, reason="it saves more than it costs")
        return replace(weighed, compact=False, reason="it costs more than it saves")

    def _sum(self, now: Situation) -> Verdict:
        calls = min(max(now.calls, 1), _FAR) if self.horizon is None else self.horizon
        full, read, write = (rate / 1e6 for rate in self.caching.rates)
        weighed = weigh_rewriting(
            Rewriting(
                prompt=now.tokens,
                start=now.before,
                saved=now.old - now.summary,
                fresh=now.fresh,
                grows=True,
            ),
            TokenPrices(full, read, write, self.caching.min_tokens),
            calls=calls,
            warm=now.warm,
        )
        return Verdict(
            False,
            "",
            saving=weighed.saving,
            summariser=now.summariser,
            rebuild=weighed.rebuild,
            recall=calls * now.recall * full,
            horizon=calls,
            situation=now,
        )


def _published(usage: Usage, model: str) -> float | None:
    from ragthrift.prices import dollars

    try:
        billed = dollars(usage, model)
    except MissingExtraError:
        return None
    return None if billed is None else float(billed) * _THOUSAND
