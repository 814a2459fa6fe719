"""Numbers as a reader wants them: decimals, signs and units are decided here and nowhere else."""

from math import floor, isfinite, log10

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EM DASH}"
"""Stands where there is no number."""


def plain(value: float, decimals: int = 1) -> str:
    """A number with thousands apart and a typographic minus; a rounded zero has no sign.

    >>> plain(-1234.56), plain(-0.01)
    ('−1,234.6', '0.0')
    """
    digits = f"{abs(value):,.{decimals}f}"
    return MINUS + digits if value < 0 and digits.strip("0.,") else digits


def signed(value: float, decimals: int = 1) -> str:
    """A difference: its sign is always shown, except at a rounded zero.

    >>> signed(1.25, 1), signed(-0.4), signed(0.001)
    ('+1.2', '−0.4', '0.0')
    """
    text = plain(value, decimals)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def points(share: float) -> str:
    """A difference between two shares, in hundredths: `points(-0.004)` is `−0.4`."""
    return signed(100 * share)


def percent(share: float) -> str:
    """A relative change.

    >>> percent(-0.7123)
    '−71.2 %'
    """
    return f"{signed(100 * share)} %"


def money(dollars: float, decimals: int) -> str:
    """Dollars.

    >>> money(-0.5, 2)
    '−$0.50'
    """
    text = plain(dollars, decimals)
    return f"{MINUS}${text[1:]}" if text.startswith(MINUS) else f"${text}"


def money_decimals(dollars: float) -> int:
    """As many decimals as show three digits of an amount, and at least cents.

    >>> money_decimals(12.5), money_decimals(0.25), money_decimals(0.0025)
    (2, 3, 5)
    """
    if not dollars or not isfinite(dollars):
        return 2
    return max(2, 2 - floor(log10(abs(dollars))))
