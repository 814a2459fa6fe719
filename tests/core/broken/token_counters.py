import random
import time
from collections.abc import Callable
from typing import cast

import numpy as np

from ragthrift.protocols import TokenCounter
from tests.core.broken.rules import BrokenParts

Count = Callable[[str], int]


class FunctionCounter:
    exact = True

    def __init__(self, function: Count) -> None:
        self._function = function

    def count(self, text: str) -> int:
        return self._function(text)


BROKEN: BrokenParts[TokenCounter, Count] = BrokenParts(FunctionCounter)


def well(text: str) -> int:
    return len(text.split())


class CallsItselfAlmostExact:
    exact = cast(bool, "almost")

    def count(self, text: str) -> int:
        return well(text)


BROKEN.file("test_it_says_whether_it_is_exact", CallsItselfAlmostExact)


@BROKEN.breaking("test_an_empty_text_has_no_tokens")
@BROKEN.breaking("test_the_whole_counts_like_its_parts")
def counts_special_tokens(text: str) -> int:
    return 2 + well(text)


@BROKEN.breaking("test_counts_are_ints")
def counts_in_floats(text: str) -> int:
    return cast(int, well(text) / 1)


@BROKEN.breaking("test_counts_are_ints")
def counts_in_numpy(text: str) -> int:
    return cast(int, np.int64(well(text)))


@BROKEN.breaking("test_words_have_tokens")
def rounds_down(text: str) -> int:
    return len(text) // 4


@BROKEN.breaking("test_more_sentences_have_more_tokens")
def counts_different_words(text: str) -> int:
    return min(len(set(text.split())), 12)


@BROKEN.breaking("test_the_whole_counts_like_its_parts")
def counts_pairs_of_words(text: str) -> int:
    return well(text) ** 2


@BROKEN.breaking("test_a_long_text_is_counted_to_its_end")
def truncates(text: str) -> int:
    return min(well(text), 512)


@BROKEN.breaking("test_same_text_same_count")
def guesses(text: str) -> int:
    return well(text) + random.randint(0, 100)


@BROKEN.breaking("test_odd_texts_are_counted")
def encodes_texts(text: str) -> int:
    return len(text.encode())


@BROKEN.breaking("test_odd_texts_are_counted")
def refuses_special_tokens(text: str) -> int:
    if "<|endoftext|>" in text:
        raise ValueError("disallowed special token")
    return well(text)


@BROKEN.breaking("test_odd_texts_are_counted")
def takes_away_control_characters(text: str) -> int:
    return well(text) - 5 * text.count("\x00")


class KeepsTheTextBetweenSteps:
    exact = True

    def count(self, text: str) -> int:
        self._text = text
        time.sleep(0.005)
        return well(self._text)


BROKEN.file("test_threads_get_their_own_counts", KeepsTheTextBetweenSteps)
