import random
import time
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ragthrift.protocols import Embedder
from ragthrift.testing import FakeEmbedder
from tests.core.broken.rules import BrokenParts

Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]


class FunctionEmbedder:
    def __init__(self, function: Embed) -> None:
        self._function = function

    def embed(self, texts: Sequence[str]) -> Floats:
        return self._function(texts)


BROKEN: BrokenParts[Embedder, Embed] = BrokenParts(FunctionEmbedder)
well = FakeEmbedder().embed


@BROKEN.breaking("test_one_row_per_text")
def squeezes_one_row(texts: Sequence[str]) -> Floats:
    return np.asarray(well(texts).squeeze())


@BROKEN.breaking("test_one_row_per_text")
def skips_repeated_texts(texts: Sequence[str]) -> Floats:
    return well(list(texts)[: max(1, len(texts) - 1)])


@BROKEN.breaking("test_no_texts_give_no_rows_of_the_same_width")
def stacks_no_rows(texts: Sequence[str]) -> Floats:
    return np.stack([well([text])[0] for text in texts])


@BROKEN.breaking("test_no_texts_give_no_rows_of_the_same_width")
def has_no_width_without_texts(texts: Sequence[str]) -> Floats:
    return np.array([well([text])[0] for text in texts], dtype=np.float32)


@BROKEN.breaking("test_vectors_are_float32")
def returns_float64(texts: Sequence[str]) -> Floats:
    return cast(Floats, well(texts).astype(np.float64))


@BROKEN.breaking("test_vectors_are_float32")
def returns_lists(texts: Sequence[str]) -> Floats:
    return cast(Floats, well(texts).tolist())


@BROKEN.breaking("test_vectors_have_length_1")
def does_not_normalise(texts: Sequence[str]) -> Floats:
    return well(texts) * np.float32(3)


@BROKEN.breaking("test_vectors_have_length_1")
def has_no_direction_without_words(texts: Sequence[str]) -> Floats:
    words = np.array([[bool(text.strip())] for text in texts])
    return np.where(words, well(texts), np.float32(0))


@BROKEN.breaking("test_rows_are_in_the_order_of_the_texts")
def leaves_texts_sorted_by_length(texts: Sequence[str]) -> Floats:
    return well(sorted(texts, key=len))


@BROKEN.breaking("test_a_text_has_the_same_vector_alone_and_in_a_batch")
def averages_padding_in(texts: Sequence[str]) -> Floats:
    longest = max((len(text) for text in texts), default=0)
    return well([text + " padding" * ((longest - len(text)) // 8) for text in texts])


@BROKEN.breaking("test_same_texts_same_vectors")
def leaves_dropout_on(texts: Sequence[str]) -> Floats:
    vectors = well(texts)
    vectors[:, random.sample(range(64), 8)] = 0
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@BROKEN.breaking("test_related_texts_are_nearer_than_unrelated_ones")
def has_one_vector_for_all(texts: Sequence[str]) -> Floats:
    return np.full((len(texts), 4), 0.5, dtype=np.float32)


@BROKEN.breaking("test_a_tuple_is_embedded_like_a_list")
def copies_a_list(texts: Sequence[str]) -> Floats:
    return well(cast(list[str], texts).copy())


@BROKEN.breaking("test_inputs_are_not_mutated")
def sorts_the_callers_list(texts: Sequence[str]) -> Floats:
    vectors = well(texts)
    if isinstance(texts, list):
        texts.sort()
    return vectors


@BROKEN.breaking("test_odd_texts_are_embedded")
def encodes_texts(texts: Sequence[str]) -> Floats:
    return well([text.encode().decode() for text in texts])


@BROKEN.breaking("test_odd_texts_are_embedded")
def overflows_on_long_texts(texts: Sequence[str]) -> Floats:
    too_long = np.array([[len(text) > 10_000] for text in texts]).reshape(-1, 1)
    return np.where(too_long, np.float32("nan"), well(texts))


class KeepsTextsBetweenSteps:
    def embed(self, texts: Sequence[str]) -> Floats:
        self._texts = texts
        time.sleep(0.005)
        return well(self._texts)


BROKEN.file("test_threads_get_their_own_vectors", KeepsTextsBetweenSteps)
