"""The scripts that run inside the server: each is all or nothing, and nobody sees half of it."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files

_NEEDS = {
    "put": ("moving", "evicting"),
    "invalidate": ("moving",),
    "move": ("moving",),
    "grow": ("moving",),
    "clear": ("moving",),
    "purge": ("evicting",),
}


@dataclass(frozen=True, slots=True)
class Script:
    """A text, and the digest by which the server knows it."""

    text: str
    digest: str


@cache
def script(name: str) -> Script:
    """A script with what it stands on.

    >>> "local function open()" in script("fence").text
    True
    """
    folder = files(__package__).joinpath("lua")
    names = ("common", *_NEEDS.get(name, ()), name)
    text = "\n".join(folder.joinpath(f"{each}.lua").read_text("utf-8") for each in names)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())
