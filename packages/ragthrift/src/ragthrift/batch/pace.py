"""How often a provider is asked, and when it may be asked again."""

import random
from dataclasses import dataclass

from ragthrift.errors import InputError, ModelError, RagthriftError


class NotNowError(RagthriftError):
    """Whether a step was done is not known, or not yet; the next look at the job goes on there."""

    def __init__(self, why: str, seconds: float = 0.0, *, all_of_it: bool = False) -> None:
        super().__init__(why)
        self.seconds = seconds
        """What to wait at least."""
        self.all_of_it = all_of_it
        """Whether the provider is to be left alone, not this one batch."""


class BusyError(NotNowError):
    """The provider surely did nothing, and may do it later: 429, or no connection was made."""


class RefusedError(ModelError):
    """The provider surely did nothing, and would say the same again.

    `status` is HTTP's: 401 and 403 reach the caller, others end the requests they are about.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between two looks at a job; they grow while nothing changes.

    >>> Pace(first=10, longest=60, jitter=0).after(4)
    60.0
    """

    first: float = 15.0
    longest: float = 600.0
    growth: float = 1.6
    jitter: float = 0.2
    """Share by which a wait is longer or shorter by chance, so that jobs do not ask in step."""
    settle: float = 90.0
    """Seconds before a submission that nobody confirmed, and that the provider does not list, is
    taken for one that never arrived. Longer than a request can be under way."""

    def __post_init__(self) -> None:
        if not (0 < self.first <= self.longest and self.growth >= 1 and 0 <= self.jitter < 1):
            raise InputError(
                f"{self} needs 0 < first <= longest, growth of 1 or more, and jitter below 1"
            )

    def after(self, quiet: int) -> float:
        """Seconds to wait when nothing changed in the last `quiet` looks."""
        steady = min(self.longest, self.first * self.growth ** min(quiet, 100))
        return float(steady * random.uniform(1 - self.jitter, 1 + self.jitter))
