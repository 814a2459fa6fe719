"""Token states: what is encoded, what is kept."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ragthrift import InputError
from ragthrift.embed import minilm
from ragthrift.states import StateEncoder, minilm_states
from ragthrift.testing import EmbedderContract
from ragthrift_models import minilm_model, minilm_tokenizer, state_model

TEXTS = [
    "The canteen opens at 11:30.",
    "Payday is the 25th.",
    "",
    "Caf\u00e9 \U0001f600 \u4f60\u597d",
]


def encoder(**options: int) -> StateEncoder:
    return StateEncoder(state_model(), minilm_tokenizer(), **options)


class TestAsAnEmbedder(EmbedderContract):
    def make(self) -> StateEncoder:
        return minilm_states()


def test_the_mean_of_the_states_is_what_the_embedder_gives() -> None:
    exact = StateEncoder(minilm_model(), minilm_tokenizer())
    assert np.abs(exact.embed(TEXTS) - minilm().embed(TEXTS)).max() < 2e-3


def test_int8_products_say_nearly_the_same() -> None:
    cosines = (minilm_states().embed(TEXTS) * minilm().embed(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.97


def test_states_have_a_row_for_each_token_and_know_its_place() -> None:
    (read,) = minilm_states().read(["Payday is the 25th."])
    assert read.states.shape == (len(read.offsets), 384)
    spelled = ["Payday is the 25th."[start:end] for start, end in read.offsets]
    assert spelled[0] == spelled[-1] == ""
    assert "".join(spelled) == "Paydayisthe25th."


def test_a_known_text_is_not_encoded_again() -> None:
    here = encoder()
    first = here.read(TEXTS)
    again = here.read([*TEXTS[::-1], TEXTS[0]])
    assert again[-1] is first[0]
    assert all(any(one is other for other in first) for one in again)


def test_the_oldest_states_go_first() -> None:
    here = encoder(cache_mib=1)
    texts = [f"Sentence {number}. " + "It is long. " * 40 for number in range(12)]
    kept = here.read(texts)
    assert here.read([texts[-1]])[0] is kept[-1]
    assert here.read([texts[0]])[0] is not kept[0]


def test_without_room_nothing_is_kept() -> None:
    here = encoder(cache_mib=0)
    assert here.read(["One."])[0] is not here.read(["One."])[0]
    assert len(here.read(["One.", "Two."])) == 2


def test_of_a_long_text_the_beginning_is_read() -> None:
    here = encoder(max_tokens=16)
    text = "word " * 100
    (read,) = here.read([text])
    assert len(read.states) == 16
    assert read.offsets.max() < len(text) / 5
    assert here.token_count(text) == 100


def test_threads_get_what_one_alone_gets() -> None:
    here, alone = encoder(), encoder()
    texts = [f"Room {number} is on floor {number % 7}." for number in range(40)]
    expected = alone.embed(texts)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: here.embed(texts), range(8)))
    for vectors in found:
        assert np.abs(vectors - expected).max() < 1e-2


@pytest.mark.parametrize("options", [{"max_tokens": 2}, {"cache_mib": -1}])
def test_limits_that_hold_nothing_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InputError, match="max_tokens"):
        encoder(**options)
