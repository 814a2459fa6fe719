"""What a provider knows a request by."""


def custom_id(token: str, number: int) -> str:
    """What a provider knows a request by: at most 64 letters, digits and dashes, as both want.

    >>> number_of(custom_id("4f", 17), "4f"), number_of("somebody's", "4f")
    (17, None)
    """
    return f"{token}-{number}"


def number_of(custom_id: str, token: str) -> int | None:
    """The request's number, `None` for a custom id that is not of this batch."""
    begin, _, number = custom_id.rpartition("-")
    return int(number) if begin == token and number.isdigit() else None
