"""The scripts that run inside the server: each is all or nothing, and nobody sees half of it."""

from functools import cache
from importlib.resources import files

from ragthrift.redis_connection import Script

_NEEDS = {
    "put": ("moving", "evicting"),
    "invalidate": ("moving",),
    "move": ("moving",),
    "grow": ("moving",),
    "clear": ("moving",),
    "purge": ("evicting",),
}


@cache
def script(name: str) -> Script:
    """A script with what it stands on.

    >>> "local function open()" in script("fence").text
    True
    """
    folder = files(__package__).joinpath("lua")
    names = ("common", *_NEEDS.get(name, ()), name)
    text = "\n".join(folder.joinpath(f"{each}.lua").read_text("utf-8") for each in names)
    return Script.of(text)
