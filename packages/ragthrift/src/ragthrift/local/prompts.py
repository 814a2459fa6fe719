"""How a conversation becomes one text, for models that have no chat template."""

from collections.abc import Callable, Sequence

from ragthrift.types import Message

PromptFormat = Callable[[Sequence[Message]], str]
"""Writes the whole prompt, up to where the model is to go on.

Tools, calls and their results come as system, assistant and user messages of plain text.
"""


def plain_text(messages: Sequence[Message]) -> str:
    r"""The contents alone, joined by blank lines: for messages that are a few-shot prompt already.

    >>> plain_text([Message("system", "Q: 2+2?\nA: 4"), Message("user", "Q: 3+3?\nA:")])
    'Q: 2+2?\nA: 4\n\nQ: 3+3?\nA:'
    """
    return "\n\n".join(message.content for message in messages)
