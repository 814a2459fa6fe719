import math
from pathlib import Path

import numpy as np
import pytest

from ragthrift.errors import InputError, ModelError, ModelNotFoundError
from ragthrift.local.perplexity import Scores, compare_scores, score
from ragthrift.local.quantize import quantize

gguf = pytest.importorskip("gguf")
pytestmark = pytest.mark.model

PROSE = (
    "A library lends its books for four weeks. Whoever brings one back later pays for each day, "
    "unless somebody else was waiting for it; then the fee is doubled. Rare books are read in the "
    "hall on the second floor, where pens are not allowed and the windows stay closed in winter. "
    "The catalogue lists every volume by its author, its title and the year in which it came to "
    "the house. Readers who cannot find what they are looking for may ask at the desk beside the "
    "entrance: a librarian knows about most of the collections, even those in the cellar. "
) * 3


@pytest.fixture(scope="module")
def given(smollm2_path: Path) -> Scores:
    return score(smollm2_path, PROSE, max_tokens=288)


def test_every_token_but_the_first_of_a_window_is_scored(given: Scores, smollm2_path: Path) -> None:
    assert len(given.tokens) == len(given.logprobs) == len(given.likeliest) == 287
    assert (given.logprobs < 0).all()
    assert given.perplexity == pytest.approx(math.exp(-given.logprobs.mean()))
    assert given.speed is None
    windows = score(smollm2_path, PROSE, max_tokens=288, window=64)
    assert len(windows.tokens) == 288 - 5, "288 tokens are four windows of 64 and one of 32"
    # Batches of other sizes are rounded differently, but a window knows nothing of the last one.
    first = given.logprobs[:63] - windows.logprobs[:63]
    assert np.abs(first).mean() < 0.15
    assert windows.perplexity > given.perplexity, "less was read before each token"


def test_what_was_read_before_is_foretold(given: Scores) -> None:
    # PROSE repeats after about 107 tokens.
    assert given.logprobs[:90].mean() < -2
    assert given.logprobs[180:].mean() > -0.5
    assert (given.tokens == given.likeliest)[180:].mean() > 0.9


def test_a_base_model_sees_its_first_token_in_every_window(gemma_path: Path) -> None:
    scores = score(gemma_path, PROSE, max_tokens=96, window=48)
    assert len(scores.tokens) == 96, "the special token stands before the first"
    assert scores.perplexity < 200, "without it thousands"


def test_a_copy_in_fewer_bits_loses_and_is_measured_to_lose(
    given: Scores, smollm2_path: Path, tmp_path: Path
) -> None:
    small = quantize(smollm2_path, tmp_path / "small.gguf", "q4_0", from_quantized=True)
    change = compare_scores(given, score(small, PROSE, max_tokens=288))
    assert 0 < change.low < change.perplexity < change.high < 1
    assert 0.4 < change.agreement < 1
    assert change.tokens == 287
    same = compare_scores(given, given)
    assert (same.perplexity, same.low, same.high, same.agreement) == (0, 0, 0, 1)


def test_speed_is_measured_on_request(smollm2_path: Path) -> None:
    speed = score(smollm2_path, PROSE, max_tokens=64, timed=True).speed
    assert speed is not None
    assert speed.prefill > speed.decode > 0


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, truth, held = np.random.default_rng(3), 0.01, 0
    tokens = np.zeros(1024, np.int32)
    reference = Scores("f16", tokens, np.full(1024, -3.0), tokens)
    for _ in range(400):
        # Neighbours fall together: an error that took tokens one by one would be too small.
        losses = truth + np.convolve(rng.normal(0, 0.1, 1026), np.ones(3) / 3, "valid")
        change = compare_scores(reference, Scores("q", tokens, -3.0 - losses, tokens))
        held += change.low <= math.expm1(truth) <= change.high
    assert 0.90 < held / 400 < 0.985


def test_only_the_same_tokens_are_compared(given: Scores) -> None:
    other = Scores("x", given.tokens[::-1], given.logprobs, given.likeliest)
    with pytest.raises(InputError, match="did not score the same tokens"):
        compare_scores(given, other)
    few = Scores("x", given.tokens[:99], given.logprobs[:99], given.likeliest[:99])
    with pytest.raises(InputError, match=r"99 tokens are too few.* 256 or more"):
        compare_scores(few, few)


def test_what_cannot_be_scored_is_said_clearly(smollm2_path: Path, tmp_path: Path) -> None:
    for text in ("", "Yes"):
        with pytest.raises(InputError, match="too short"):
            score(smollm2_path, text)
    with pytest.raises(InputError, match="window=1"):
        score(smollm2_path, PROSE, window=1)
    with pytest.raises(ModelNotFoundError):
        score(tmp_path / "none.gguf", PROSE)
    writer = gguf.GGUFWriter(tmp_path / "odd.gguf", "no such architecture")
    writer.add_tensor("token_embd.weight", np.zeros((4, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelError, match=r"could not load .*odd\.gguf"):
        score(tmp_path / "odd.gguf", PROSE)


def test_odd_characters_in_a_text_are_text(smollm2_path: Path) -> None:
    assert score(smollm2_path, "tea\0rain <|im_start|> " * 9).perplexity > 1
