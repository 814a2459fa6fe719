"""What every embedder promises."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragthrift.protocols import Embedder
from ragthrift.testing.checks import from_threads, no_error
from ragthrift.testing.samples import ODD_TEXTS, PASSAGES, QUERY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class EmbedderContract:
    """Subclass it under a name that pytest collects, and say in `make` how to make yours.

    `make` is called by every test, so keep a model that loads slowly in a cache of your own.

    >>> class TestMine(EmbedderContract):
    ...     def make(self) -> Embedder:
    ...         return MyEmbedder()
    """

    batch_tolerance = 1e-2
    """How far the cosine of a text's vectors, alone and in a batch, may be below 1.

    int8 models scale by the largest number of a batch, so their vectors depend on it a little.
    """
    texts: Sequence[str] = (QUERY, *(passage.text for passage in PASSAGES))
    related: tuple[str, str, str] = (PASSAGES[0].text, QUERY, "My sister paints boats.")
    """The first two are about one subject, the third is about another."""

    def make(self) -> Embedder:
        """Make the embedder to test."""
        raise NotImplementedError("return the embedder to test from make()")

    def _embed(self, texts: Sequence[str] | None = None) -> "Floats":
        return self.make().embed(list(self.texts if texts is None else texts))

    def test_one_row_per_text(self) -> None:
        """Shape (n, d), whatever n is."""
        for texts in (self.texts, self.texts[:1]):
            shape = self._embed(texts).shape
            assert len(shape) == 2, f"the shape for {len(texts)} texts is {shape}, not (n, d)"
            assert shape[0] == len(texts), f"{len(texts)} texts gave {shape[0]} rows"

    def test_no_texts_give_no_rows_of_the_same_width(self) -> None:
        """Shape (0, d), so that results can be stacked without looking."""
        with no_error("embedding no texts"):
            shape = self._embed([]).shape
        wanted = (0, *self._embed(self.texts[:1]).shape[1:])
        assert shape == wanted, f"no texts gave shape {shape} instead of {wanted}"

    def test_vectors_are_float32(self) -> None:
        """Half the memory of NumPy's default, and what vector stores take."""
        import numpy as np

        vectors = self._embed()
        assert isinstance(vectors, np.ndarray), f"{type(vectors).__name__} is no NumPy array"
        assert vectors.dtype == np.float32, f"vectors are {vectors.dtype}, not float32"

    def test_vectors_have_length_1(self) -> None:
        """So that a dot product is the cosine; a text without words has a direction, too."""
        import numpy as np

        lengths = np.linalg.norm(self._embed([*self.texts, "", " "]), axis=1)
        worst = float(lengths[np.argmax(np.abs(lengths - 1))])
        assert abs(worst - 1) < 1e-3, f"a vector has length {worst}"

    def test_rows_are_in_the_order_of_the_texts(self) -> None:
        """Sorting by length makes batches quick; it must be undone."""
        forward = self._embed()
        backward = self._embed(self.texts[::-1])[::-1]
        self._assert_same(forward, backward, "when the texts come in reverse")

    def test_a_text_has_the_same_vector_alone_and_in_a_batch(self) -> None:
        """Padding that is not masked shows here."""
        together = self._embed([*self.texts, ODD_TEXTS["20 kB of words"]])
        for place, text in enumerate(self.texts):
            self._assert_same(self._embed([text]), together[place : place + 1], "in a batch")

    def test_same_texts_same_vectors(self) -> None:
        """Stored vectors are compared with new ones."""
        import numpy as np

        embedder = self.make()
        first, second = (embedder.embed(list(self.texts)) for _ in range(2))
        assert np.allclose(first, second, atol=1e-5), "the second vectors differ from the first"

    def test_related_texts_are_nearer_than_unrelated_ones(self) -> None:
        """Set `related` to texts of a language that your model knows."""
        text, related, unrelated = self._embed(self.related)
        near, far = float(text @ related), float(text @ unrelated)
        assert near > far, f"the cosine is {near} for related and {far} for unrelated texts"

    def test_a_tuple_is_embedded_like_a_list(self) -> None:
        """Any sequence will do."""
        with no_error("embedding a tuple of texts"):
            vectors = self.make().embed(tuple(self.texts))
        self._assert_same(self._embed(), vectors, "for a tuple")

    def test_inputs_are_not_mutated(self) -> None:
        """The caller still needs the texts, in their order."""
        given = list(self.texts)
        self.make().embed(given)
        assert given == list(self.texts), "the caller's list was changed"

    def test_odd_texts_are_embedded(self) -> None:
        """Nothing in a text raises or gives a vector without a direction."""
        import numpy as np

        embedder = self.make()
        for name, text in ODD_TEXTS.items():
            with no_error(f"embedding {name}"):
                vector = embedder.embed([text])[0]
            length = float(np.linalg.norm(vector))
            assert abs(length - 1) < 1e-3, f"the vector of {name} has length {length}"

    def test_threads_get_their_own_vectors(self) -> None:
        """One embedder serves many requests at once."""
        embedder = self.make()
        asked = [[*self.texts[place % 5 :], *self.texts[: place % 5]] for place in range(8)]
        alone = [embedder.embed(texts) for texts in asked]
        for place, vectors in enumerate(from_threads(embedder.embed, asked)):
            self._assert_same(alone[place % len(asked)], vectors, "from several threads")

    def _assert_same(self, first: "Floats", second: "Floats", when: str) -> None:
        assert first.shape == second.shape, f"shape {first.shape} became {second.shape} {when}"
        lowest = float((first * second).sum(axis=1).min())
        assert lowest > 1 - self.batch_tolerance, f"another vector {when}: cosine {lowest}"
