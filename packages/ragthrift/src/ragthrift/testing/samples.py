"""Texts, passages and questions that the contracts are run on, and odd texts that break parts."""

from collections.abc import Mapping
from types import MappingProxyType

from ragthrift.types import Passage

QUERY = "When does the canteen open?"

PASSAGES = (
    Passage(
        "The canteen opens at nine. It closes at three, and on Fridays at two.",
        id="canteen",
        score=0.31,
        metadata={"document_id": "handbook", "page": 4},
    ),
    Passage(
        "Bicycles are kept in the cellar. The key hangs beside the door.",
        id="bicycles",
        score=0.87,
        metadata={"document_id": "handbook", "page": 9},
    ),
    Passage("Visitors sign the book at the front desk.", id="visitors", score=0.5),
    Passage(
        "On open days the canteen serves soup. Soup is free for guests, bread is not.",
        id="open-days",
        metadata={"document_id": "events"},
    ),
    Passage("The lift holds eight people. When it stops, press the yellow button.", id="lift"),
    Passage("Coffee costs one euro.", id="coffee", score=-2.0, metadata={"tags": ["drink"]}),
)
"""With and without scores and metadata; the order of scores is not the order of usefulness."""

ODD_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "an empty text": "",
        "blanks": " \n\t ",
        "one word": "canteen",
        "20 kB of words": ("The canteen opens at nine and closes at three. " * 450)[:20_000],
        "one word of 20 kB": "c" * 20_000,
        "emoji": "Soup \N{POT OF FOOD} by \N{WOMAN}\N{ZERO WIDTH JOINER}\N{COOKING}, at nine",
        "right-to-left text": "متى تفتح الكافتيريا؟ מתי נפתח המזנון?",
        "Chinese": "食堂在九点开门。",
        "NUL characters": "can\x00teen\x00",
        "a lone surrogate": "half an emoji \ud83d opens the canteen",
        "names of special tokens": "<|endoftext|> [SEP] </s> <bos> <|im_end|>",
    }
)
"""By name. Each has broken a tokenizer, a database or a regular expression somewhere."""
