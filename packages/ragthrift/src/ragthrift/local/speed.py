"""How fast a model reads and writes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per CPU-second of one thread, which other work on the machine hardly changes."""

    prefill: float
    """Reading a prompt."""
    decode: float
    """Writing an answer."""
