"""Prompts for a local model: long passages with questions, and answers that copy or do not."""

import json
from importlib import resources
from itertools import islice

from ragthrift import Message
from ragthrift.protocols import TokenCounter

SHORT = (
    "Name three animals.",
    "Why is the sky blue?",
    "Write a line about tea.",
    "What is 17 and 25?",
    "Give advice to a new colleague.",
    "Describe a rainy day.",
    "What do bees make?",
    "Which is the largest ocean?",
)
OTHER = (
    "Write a story about a lighthouse keeper who finds a letter in a bottle.",
    "Explain to a child why leaves change their colour in autumn.",
    "Write a poem about a slow train through the mountains.",
    "Describe how bread is baked, from the field to the table.",
)


def handbook() -> list[str]:
    """Passages of the demo set."""
    lines = resources.files("ragthrift_bench.handbook").joinpath("passages.jsonl").read_text()
    return [json.loads(line)["text"] for line in lines.splitlines()]


def contexts(count: int, tokens: int, counter: TokenCounter) -> list[str]:
    """So many different texts of about as many tokens."""
    found: list[str] = []
    passages = iter(handbook() * 2)
    for _ in range(count):
        text = ""
        while counter.count(text) < tokens:
            text += next(passages) + "\n\n"
        found.append(text)
    return found


def asked(context: str, question: str) -> list[Message]:
    """The layout that lets prefixes be used again: documents first, the question last."""
    return [
        Message("system", f"Answer from this handbook.\n\n{context}"),
        Message("user", question),
    ]


def copying(count: int) -> list[list[Message]]:
    """Prompts whose answers repeat a passage."""
    task = "Repeat the following text exactly, word for word:"
    return [
        [Message("user", f"{task}\n\n{text}\n\nRepeat it:")] for text in islice(handbook(), count)
    ]


def free() -> list[list[Message]]:
    """Prompts whose answers copy nothing."""
    return [[Message("user", text)] for text in OTHER]


def short() -> list[list[Message]]:
    """Eight questions, one for each call at a time."""
    return [[Message("user", text)] for text in SHORT]
