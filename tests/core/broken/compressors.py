import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from ragthrift import Passage
from ragthrift.protocols import Compressor
from ragthrift.testing import KeepFirstSentence
from tests.core.broken.rules import BrokenParts

Compress = Callable[[str, Sequence[Passage]], list[Passage]]


class FunctionCompressor:
    def __init__(self, function: Compress) -> None:
        self._function = function

    def compress(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        return self._function(query, passages)


BROKEN: BrokenParts[Compressor, Compress] = BrokenParts(FunctionCompressor)
well = KeepFirstSentence().compress


@BROKEN.breaking("test_nothing_to_compress_gives_an_empty_list")
def shares_out_a_limit(query: str, passages: Sequence[Passage]) -> list[Passage]:
    limit = 1000 // len(passages)
    return [p.with_text(p.text[:limit]) for p in well(query, passages)]


@BROKEN.breaking("test_nothing_to_compress_gives_an_empty_list")
def returns_a_tuple(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return cast(list[Passage], tuple(well(query, passages)))


@BROKEN.breaking("test_nothing_to_compress_gives_an_empty_list")
def fills_up_nothing(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, passages) or [Passage("nothing found")]


@BROKEN.breaking("test_one_passage_is_no_error")
def divides_by_the_others(query: str, passages: Sequence[Passage]) -> list[Passage]:
    limit = 1000 // (len(passages) - 1)
    return [p.with_text(p.text[:limit]) for p in passages]


@BROKEN.breaking("test_one_passage_is_no_error")
@BROKEN.breaking("test_kept_passages_stay_in_order")
def glues_passages_together(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [Passage(" ".join(p.text for p in well(query, passages)))] if passages else []


@BROKEN.breaking("test_kept_passages_stay_in_order")
def sorts_by_score(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return sorted(well(query, passages), key=lambda p: p.score or 0.0)


@BROKEN.breaking("test_kept_passages_stay_in_order")
def splits_passages(query: str, passages: Sequence[Passage]) -> list[Passage]:
    halves = [(p.text[: len(p.text) // 2], p.text[len(p.text) // 2 :], p) for p in passages]
    return [p.with_text(text) for first, second, p in halves for text in (first, second)]


@BROKEN.breaking("test_no_text_grows")
def adds_dots(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [p.with_text(p.text + " […]") for p in well(query, passages)]


@BROKEN.breaking("test_metadata_stay_as_they_were")
def drops_metadata(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [replace(p, metadata={}) for p in well(query, passages)]


@BROKEN.breaking("test_scores_stay_as_they_were")
def drops_scores(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [replace(p, score=None) for p in well(query, passages)]


@BROKEN.breaking("test_equal_texts_keep_their_own_ids")
def finds_passages_by_text(query: str, passages: Sequence[Passage]) -> list[Passage]:
    by_text = {p.text: p for p in passages}
    return [by_text[p.text].with_text(p.text[:20]) for p in passages]


@BROKEN.breaking("test_a_tuple_is_compressed_like_a_list")
def copies_a_list(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, cast(list[Passage], passages).copy())


@BROKEN.breaking("test_a_tuple_is_compressed_like_a_list")
def compresses_only_lists(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return well(query, passages) if isinstance(passages, list) else list(passages)


@BROKEN.breaking("test_inputs_are_not_mutated")
def shortens_the_callers_passages(query: str, passages: Sequence[Passage]) -> list[Passage]:
    for passage, shorter in zip(passages, well(query, passages), strict=True):
        object.__setattr__(passage, "text", shorter.text)
    return list(passages)


@BROKEN.breaking("test_inputs_are_not_mutated")
def empties_the_callers_list(query: str, passages: Sequence[Passage]) -> list[Passage]:
    kept = well(query, passages)
    if isinstance(passages, list):
        passages.clear()
    return kept


@BROKEN.breaking("test_same_input_same_result")
def keeps_random_lengths(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [p.with_text(p.text[: random.randint(5, 30)]) for p in passages]


@BROKEN.breaking("test_odd_passages_are_compressed")
def encodes_texts(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [p.with_text(p.text.encode().decode()) for p in well(query, passages)]


@BROKEN.breaking("test_odd_passages_are_compressed")
def fills_up_empty_texts(query: str, passages: Sequence[Passage]) -> list[Passage]:
    return [p.with_text(p.text or "(empty)") for p in well(query, passages)]


@BROKEN.breaking("test_odd_queries_are_no_error")
def takes_the_first_word(query: str, passages: Sequence[Passage]) -> list[Passage]:
    word = query.split(maxsplit=1)[0]
    return [p for p in well(query, passages) if word]


class KeepsPassagesBetweenSteps:
    def compress(self, query: str, passages: Sequence[Passage]) -> list[Passage]:
        self._passages = passages
        time.sleep(0.005)
        return well(query, self._passages)


BROKEN.file("test_threads_get_their_own_results", KeepsPassagesBetweenSteps)
