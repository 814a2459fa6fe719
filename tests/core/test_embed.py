import numpy as np

from ragthrift.embed import OnnxEmbedder, minilm
from ragthrift.testing import EmbedderContract


class TestMiniLM(EmbedderContract):
    def make(self) -> OnnxEmbedder:
        return minilm()


def test_one_instance_serves_the_process() -> None:
    assert minilm() is minilm()


def test_a_long_text_is_near_all_its_parts() -> None:
    start, end = "The reactor cools slowly. " * 60, "Penguins live in the south. " * 60
    whole, first, second = minilm().embed([start + end, start, end])
    assert whole @ first > 0.5
    assert whole @ second > 0.5
    assert np.isclose(np.linalg.norm(whole), 1, atol=1e-4)
