"""Real cross-encoders with random weights: every backend must give the same numbers."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from langchain_core.cross_encoders import BaseCrossEncoder

from ragthrift import InputError, ModelError, ModelNotFoundError, Passage
from ragthrift.rerank import (
    CrossEncoderReranker,
    Keep,
    LangChainScorer,
    OnnxScorer,
    SentenceTransformersScorer,
    export_onnx,
)
from ragthrift.testing import RerankerContract
from ragthrift_bench import handbook

QUESTION = "How many days of leave do I have?"
TEXTS = [passage.text[:160] for passage in handbook.passages()[:24]]


def _plain_scores(
    folder: Path, texts: Sequence[str]
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    """What transformers itself computes, one pair at a time, without any of our code."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = []
    with torch.no_grad():
        for text in texts:
            logits = model(**tokenizer(QUESTION, text, return_tensors="pt")).logits[0]
            rows.append(torch.sigmoid(logits)[0] if len(logits) == 1 else logits.softmax(0)[1])
    return np.array(rows, dtype=np.float32)


@pytest.fixture(scope="session", params=["one_logit", "two_logits"])
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def exported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_onnx(str(folder), tmp_path_factory.mktemp("onnx"))


def test_sentence_transformers_gives_the_models_probabilities(folder: Path) -> None:
    short = [text[:100] for text in TEXTS]
    scores = SentenceTransformersScorer(str(folder))(QUESTION, short)
    np.testing.assert_allclose(scores, _plain_scores(folder, short), atol=1e-4)
    assert scores.std() > 0.01


def test_onnx_fp32_gives_the_same_numbers(folder: Path, exported: Path) -> None:
    short = [text[:100] for text in TEXTS]
    scores = OnnxScorer(exported, precision="fp32")(QUESTION, short)
    np.testing.assert_allclose(scores, _plain_scores(folder, short), atol=1e-4)


def test_onnx_int8_is_close_and_smaller(exported: Path) -> None:
    full = OnnxScorer(exported, precision="fp32")(QUESTION, TEXTS)
    small = OnnxScorer(exported)(QUESTION, TEXTS)
    assert np.corrcoef(full, small)[0, 1] > 0.98
    sizes = [(exported / name).stat().st_size for name in ("model.int8.onnx", "model.onnx")]
    assert sizes[0] < 0.9 * sizes[1]


def test_long_passages_are_windowed_alike_by_both_runtimes(folder: Path, exported: Path) -> None:
    long = [" ".join(TEXTS[at : at + 6]) for at in (0, 6, 12)]
    torch_scores = SentenceTransformersScorer(str(folder))(QUESTION, long)
    onnx_scores = OnnxScorer(exported, precision="fp32")(QUESTION, long)
    np.testing.assert_allclose(torch_scores, onnx_scores, atol=1e-4)
    halves = SentenceTransformersScorer(str(folder))(QUESTION, [text[:150] for text in long])
    assert not np.allclose(torch_scores, halves, atol=1e-4), "the tail must count"


def test_a_query_longer_than_the_model_is_cut_with_a_warning(
    exported: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scores = OnnxScorer(exported)("why " * 500, TEXTS[:3])
    assert np.isfinite(scores).all()
    assert "cut" in caplog.text


def test_threads_share_one_session(exported: Path) -> None:
    scorer = OnnxScorer(exported)
    alone = scorer(QUESTION, TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for scores in pool.map(lambda _: scorer(QUESTION, TEXTS), range(16)):
            np.testing.assert_allclose(scores, alone, atol=1e-5)


def test_a_missing_folder_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="export_onnx"):
        OnnxScorer(tmp_path)


def test_a_broken_model_file_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "model.int8.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot load"):
        OnnxScorer(tmp_path)


def test_a_hub_name_out_of_reach_says_what_to_give() -> None:
    with pytest.raises(ModelError, match="give a folder"):
        SentenceTransformersScorer("no-such/model")


class TestFunctionScorer(RerankerContract):
    def make(self) -> CrossEncoderReranker:
        return CrossEncoderReranker(lambda query, texts: [len(text) % 7 for text in texts])


class TestOnnxReranker(RerankerContract):
    @pytest.fixture(autouse=True)
    def _exported(self, exported: Path) -> None:
        self.folder = exported

    def make(self) -> CrossEncoderReranker:
        return CrossEncoderReranker(OnnxScorer(self.folder))


@pytest.mark.parametrize(
    ("scores", "problem"),
    [
        ([0.1], "one finite number"),
        ([0.1, float("nan")], "finite"),
        ([[1, 2, 3]] * 2, "classifier"),
    ],
)
def test_scores_that_are_none_are_refused(scores: list[float], problem: str) -> None:
    reranker = CrossEncoderReranker(lambda query, texts: scores)
    with pytest.raises(ModelError, match=problem):
        reranker.rank("?", [Passage("a"), Passage("b")])


def test_two_columns_of_logits_from_a_function_become_a_probability() -> None:
    reranker = CrossEncoderReranker(lambda query, texts: [[2.0, 0.0], [0.0, 0.0]])
    scores = reranker.scores("?", ["a", "b"])
    np.testing.assert_allclose(scores, [1 / (1 + np.exp(2)), 0.5], atol=1e-6)


class Overlap(BaseCrossEncoder):
    """A LangChain cross-encoder: shared letters, and at most 2,000 characters a text."""

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        assert all(len(text) <= 2_000 for _, text in text_pairs)
        return [float("needle" in text) * 4 - 2 for _, text in text_pairs]


def test_langchain_cross_encoders_are_windowed_and_scored() -> None:
    texts = ["hay " * 900 + "needle", "hay " * 900]
    reranker = CrossEncoderReranker(LangChainScorer(Overlap()), keep=Keep(top_k=1))
    assert reranker.rank("?", [Passage(text) for text in texts])[0].text == texts[0]
    assert LangChainScorer(Overlap())("?", texts).tolist() == [2.0, -2.0]


def test_langchain_logits_become_probabilities_when_told() -> None:
    scores = LangChainScorer(Overlap(), logits=True)("?", ["needle", "hay"])
    np.testing.assert_allclose(scores, [0.8808, 0.1192], atol=1e-4)


def test_unknown_precision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fp32"):
        OnnxScorer(tmp_path, precision="int4")  # type: ignore[arg-type]
