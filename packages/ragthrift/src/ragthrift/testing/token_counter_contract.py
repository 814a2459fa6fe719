"""What every token counter promises."""

from collections.abc import Sequence

from ragthrift.protocols import TokenCounter
from ragthrift.testing.checks import from_threads, no_error
from ragthrift.testing.samples import ODD_TEXTS

SENTENCES = (
    "The canteen opens at nine.",
    "It closes at three, and on Fridays at two.",
    "Soup is free for guests.",
    "Bread is not.",
    "When the lift stops, press the yellow button.",
    "Visitors sign the book at the front desk.",
    "The key hangs beside the door.",
    "We keep bicycles in the cellar.",
)


class TokenCounterContract:
    """Subclass it under a name that pytest collects, and say in `make` how to make yours.

    Counts of two strings say little about the count of both joined: BPE may merge across the seam,
    WordPiece turns a word it cannot spell into one token, and both may need more tokens for the
    whole than for its parts. So the rules join whole sentences at blanks. No usual tokenizer merges
    across a blank that follows a full stop, so there the count of the whole is that of its parts,
    give or take a token for each blank.

    >>> class TestMine(TokenCounterContract):
    ...     def make(self) -> TokenCounter:
    ...         return MyTokenCounter()
    """

    sentences: Sequence[str] = SENTENCES
    """At least eight, in a language that the tokenizer was made for."""

    def make(self) -> TokenCounter:
        """Make the counter to test; called by every test."""
        raise NotImplementedError("return the token counter to test from make()")

    def test_it_says_whether_it_is_exact(self) -> None:
        """Reports label estimates by it."""
        exact = self.make().exact
        assert isinstance(exact, bool), f"exact must be True or False, not {exact!r}"

    def test_an_empty_text_has_no_tokens(self) -> None:
        """Special tokens that frame a message are not part of a text."""
        count = self.make().count("")
        assert count == 0, f"an empty text has {count} tokens"

    def test_counts_are_ints(self) -> None:
        """JSON has no words for NumPy's numbers, and half a token cannot be sent."""
        for text in ("", *self.sentences):
            count = self.make().count(text)
            assert type(count) is int, f"the count is a {type(count).__name__}, not an int"

    def test_words_have_tokens(self) -> None:
        """A text with words is never free. One of control characters may be, for WordPiece."""
        counter = self.make()
        for sentence in self.sentences:
            for word in sentence.split():
                assert counter.count(word) > 0, f"{word!r} has no tokens"

    def test_more_sentences_have_more_tokens(self) -> None:
        """Each sentence adds at least one."""
        counter = self.make()
        counts = [
            counter.count(" ".join(self.sentences[:end]))
            for end in range(1, len(self.sentences) + 1)
        ]
        assert counts == sorted(set(counts)), f"counts do not rise with every sentence: {counts}"

    def test_the_whole_counts_like_its_parts(self) -> None:
        """Half a token less for each sentence is allowed, or one more for each blank.

        A counter that adds special tokens to every text has a whole that is far below its parts.
        """
        counter = self.make()
        if counter.exact:
            whole = counter.count(" ".join(self.sentences))
            parts = sum(counter.count(sentence) for sentence in self.sentences)
            lowest, highest = parts - len(self.sentences) / 2, parts + len(self.sentences)
            assert lowest <= whole <= highest, (
                f"{parts} tokens in the parts but {whole} in the whole: are special tokens counted?"
            )

    def test_a_long_text_is_counted_to_its_end(self) -> None:
        """Tokenizers of small models cut at 512 tokens unless they are told not to."""
        counter = self.make()
        once = " ".join(self.sentences) + "\n"
        one, many = counter.count(once), counter.count(once * 200)
        assert many >= 100 * one, f"a text has {one} tokens, 200 of it only {many}"

    def test_same_text_same_count(self) -> None:
        """A budget must not depend on the day."""
        counter = self.make()
        for sentence in self.sentences:
            counts = {counter.count(sentence) for _ in range(5)}
            assert len(counts) == 1, f"one text has the counts {sorted(counts)}"

    def test_odd_texts_are_counted(self) -> None:
        """Nothing in a text raises, names of special tokens included."""
        counter = self.make()
        for name, text in ODD_TEXTS.items():
            with no_error(f"counting {name}"):
                count = counter.count(text)
            assert count >= 0, f"{name} has {count} tokens"

    def test_threads_get_their_own_counts(self) -> None:
        """One counter serves many requests at once."""
        counter = self.make()
        texts = [" ".join(self.sentences[: 1 + place % len(self.sentences)]) for place in range(8)]
        alone = [counter.count(text) for text in texts]
        for place, count in enumerate(from_threads(counter.count, texts)):
            wanted = alone[place % len(alone)]
            assert count == wanted, f"{wanted} tokens became {count} from several threads"
