"""What every compressor promises."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

from ragthrift.protocols import Compressor
from ragthrift.testing.checks import from_threads, no_error
from ragthrift.testing.samples import ODD_TEXTS, PASSAGES, QUERY
from ragthrift.types import Passage


class CompressorContract:
    """Subclass it under a name that pytest collects, and say in `make` how to make yours.

    >>> class TestMine(CompressorContract):
    ...     def make(self) -> Compressor:
    ...         return MyCompressor()
    """

    query: str = QUERY
    passages: Sequence[Passage] = PASSAGES

    def make(self) -> Compressor:
        """Make the compressor to test; called by every test."""
        raise NotImplementedError("return the compressor to test from make()")

    def _compress(self, passages: Sequence[Passage] | None = None) -> list[Passage]:
        given = self.passages if passages is None else passages
        return self.make().compress(self.query, list(given))

    def test_nothing_to_compress_gives_an_empty_list(self) -> None:
        """Retrieval finds nothing now and then, and that is no error."""
        with no_error("compressing no passages"):
            kept = self._compress([])
        assert isinstance(kept, list), f"compress must return a list, not {type(kept).__name__}"
        assert not kept, f"there was nothing to compress, yet these came back: {_ids(kept)}"

    def test_one_passage_is_no_error(self) -> None:
        """Limits that are shared out among passages meet the smallest number of them."""
        with no_error("compressing one passage"):
            kept = self._compress(self.passages[:1])
        assert _ids(kept) in ([], _ids(self.passages[:1])), f"one passage became {_ids(kept)}"

    def test_kept_passages_stay_in_order(self) -> None:
        """The order is a reranker's choice; ids are neither invented nor repeated."""
        kept = _ids(self._compress())
        given = _ids(self.passages)
        assert _is_subsequence(kept, given), f"{kept} is not {given} with some left out"

    def test_no_text_grows(self) -> None:
        """A compressor that adds words costs money."""
        for before, after in self._pairs():
            assert len(after.text) <= len(before.text), f"the text of {after.id} grew"

    def test_metadata_stay_as_they_were(self) -> None:
        """Citations are built from them."""
        for before, after in self._pairs():
            assert after.metadata == before.metadata, (
                f"metadata of {after.id} became {after.metadata}; use Passage.with_text"
            )

    def test_scores_stay_as_they_were(self) -> None:
        """They say how good a passage was found, whatever is left of its text."""
        for before, after in self._pairs():
            assert after.score == before.score, (
                f"the score of {after.id} went from {before.score} to {after.score}"
            )

    def _pairs(self) -> Iterator[tuple[Passage, Passage]]:
        given = {passage.id: passage for passage in self.passages}
        return ((given[kept.id], kept) for kept in self._compress() if kept.id in given)

    def test_equal_texts_keep_their_own_ids(self) -> None:
        """Of twins some may be dropped, but none may take the place of another."""
        twins = [replace(self.passages[0], id=f"twin-{place}") for place in range(3)]
        kept = _ids(self._compress(twins))
        assert _is_subsequence(kept, _ids(twins)), f"three twins became {kept}"

    def test_a_tuple_is_compressed_like_a_list(self) -> None:
        """Pipelines hand tuples on."""
        with no_error("compressing a tuple of passages"):
            kept = self.make().compress(self.query, tuple(self.passages))
        assert kept == self._compress(), "a tuple was compressed differently"

    def test_inputs_are_not_mutated(self) -> None:
        """The caller may show, log or compress the same passages again."""
        given = [deepcopy(passage) for passage in self.passages]
        before = deepcopy(given)
        self.make().compress(self.query, given)
        assert given == before, "the caller's list or its passages were changed"

    def test_same_input_same_result(self) -> None:
        """A text that changes from call to call never hits a prompt cache."""
        compressor = self.make()
        first = compressor.compress(self.query, list(self.passages))
        second = compressor.compress(self.query, list(self.passages))
        assert first == second, "the second result differs from the first"

    def test_odd_passages_are_compressed(self) -> None:
        """Nothing in a text raises, and no odd text grows."""
        compressor = self.make()
        for name, text in ODD_TEXTS.items():
            with no_error(f"compressing {name}"):
                kept = compressor.compress(self.query, [Passage(text, id=name), self.passages[0]])
            grown = [p.id for p in kept if p.id == name and len(p.text) > len(text)]
            assert not grown, f"{name} grew"

    def test_odd_queries_are_no_error(self) -> None:
        """People paste anything into a search box."""
        compressor = self.make()
        for name, query in ODD_TEXTS.items():
            with no_error(f"compressing for {name} as the query"):
                compressor.compress(query, list(self.passages))

    def test_threads_get_their_own_results(self) -> None:
        """One compressor serves many requests at once."""
        compressor = self.make()
        asked = [[*self.passages[place % 5 :], *self.passages[: place % 5]] for place in range(8)]
        alone = [compressor.compress(self.query, passages) for passages in asked]
        together = from_threads(lambda given: compressor.compress(self.query, given), asked)
        for place, kept in enumerate(together):
            assert kept == alone[place % len(asked)], "another result from several threads"


def _ids(passages: Sequence[Passage]) -> list[str]:
    return [passage.id for passage in passages]


def _is_subsequence(some: Sequence[str], of: Sequence[str]) -> bool:
    remaining = iter(of)
    return all(item in remaining for item in some)
