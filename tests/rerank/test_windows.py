from hypothesis import given
from hypothesis import strategies as st

from ragthrift.windows import best_window_scores, windows, word_offsets


@given(text=st.text(max_size=300), size=st.integers(1, 20))
def test_windows_cover_the_text_and_fit(text: str, size: int) -> None:
    pieces = windows(text, word_offsets(text), size)
    assert text.startswith(pieces[0])
    assert text.endswith(pieces[-1])
    assert all(piece in text for piece in pieces)
    assert all(len(word_offsets(piece)) <= size for piece in pieces)
    for begin, end in word_offsets(text):
        assert any(text[begin:end] in piece for piece in pieces)


def test_a_text_counts_by_its_best_window() -> None:
    import numpy as np

    scores = best_window_scores(
        lambda pieces: np.array([float("gold" in piece) for piece in pieces], dtype=np.float32),
        ["lead " * 50, "lead " * 50 + "gold", ""],
        lambda text: windows(text, word_offsets(text), 10),
    )
    assert scores.tolist() == [0.0, 1.0, 0.0]


def test_no_texts_no_scores() -> None:
    assert best_window_scores(lambda _: None, [], lambda text: [text]).shape == (0,)  # type: ignore[arg-type, return-value]
