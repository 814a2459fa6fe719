"""The reader that ships, on texts whose evidence is plain."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragthrift import ModelError, ModelNotFoundError, Passage
from ragthrift.compress import EvidenceReader, Limits, SentencePruner
from ragthrift.compress.evidence.features import NAMES
from ragthrift.compress.evidence.sheet import Sheet
from ragthrift.rerank import LateInteractionReranker
from ragthrift.states import StateEncoder, TextStates
from ragthrift.testing import CompressorContract
from ragthrift_models import evidence_model, minilm_tokenizer, state_model

CANTEEN = Passage(
    "Canteen\nThe canteen is on the ground floor. It opens at 11:30 and closes at 14:00. "
    "Soup is free on Mondays. Trays are returned at the door.",
    id="canteen",
)
PAY = Passage("Pay\nPayday is the 25th of each month. Ask Ann about payslips.", id="pay")
PARKING = Passage("Parking\nThe car park closes at 20:00. Bicycles stand in the cellar.", id="cars")
PASSAGES = [PAY, CANTEEN, PARKING]


@pytest.fixture(scope="module")
def reader() -> EvidenceReader:
    return EvidenceReader()


class TestAsACompressor(CompressorContract):
    def make(self) -> SentencePruner:
        return SentencePruner()


def test_the_sentence_that_answers_is_worth_most(reader: EvidenceReader) -> None:
    readings = reader.read("When does the canteen open?", PASSAGES)
    best = max(
        (value, passage.text[start:end])
        for reading, passage in zip(readings, PASSAGES, strict=True)
        for value, (start, end) in zip(np.asarray(reading.keep), reading.spans, strict=True)
    )
    assert best[1] == "It opens at 11:30 and closes at 14:00."
    assert best[0] > 0.5
    assert max(range(3), key=lambda at: readings[at].score) == 1


def test_pruning_keeps_the_answer_and_little_else() -> None:
    pruned = SentencePruner(limits=Limits(rate=0.25)).compress("When is payday?", PASSAGES)
    assert pruned[0].id == "pay"
    assert "25th" in pruned[0].text
    assert sum(len(passage.text) for passage in pruned) < 0.4 * sum(len(p.text) for p in PASSAGES)


def test_the_second_hop_is_found(reader: EvidenceReader) -> None:
    film = Passage(
        "The Long Dusk\nThe Long Dusk is a 1994 drama film directed by Mira Oval. It was shot in "
        "Lisbon. It won two prizes.",
        id="film",
    )
    person = Passage(
        "Mira Oval\nMira Oval was born in Trondheim. She plays the cello. She has two brothers.",
        id="person",
    )
    other = Passage(
        "Tom Hale\nTom Hale was born in Leeds. He paints. He lives near the sea.", id="other"
    )
    asked = "Where was the director of The Long Dusk born?"
    readings = reader.read(asked, [other, film, person])
    born = [
        float(np.asarray(reading.keep)[at])
        for reading, passage in zip(readings, [other, film, person], strict=True)
        for at, (start, end) in enumerate(reading.spans)
        if "was born in" in passage.text[start:end]
    ]
    assert born[1] > 2 * born[0]


def test_its_scores_are_those_of_late_interaction(reader: EvidenceReader) -> None:
    asked = "When does the canteen open?"
    scores = [reading.score for reading in reader.read(asked, PASSAGES)]
    ranked = LateInteractionReranker().scores(asked, [passage.text for passage in PASSAGES])
    assert scores == pytest.approx(ranked.tolist(), abs=5e-3)


def test_passages_that_come_again_are_not_encoded_again() -> None:
    class Counting(StateEncoder):
        encoded = 0

        def _encoded(self, texts: Sequence[str]) -> "list[TextStates]":  # type: ignore[override]
            self.encoded += len(texts)
            return list(super()._encoded(texts))

    encoder = Counting(state_model(), minilm_tokenizer())
    reader = EvidenceReader(encoder)
    reader.read("When does the canteen open?", PASSAGES)
    first = encoder.encoded
    reader.read("When is payday?", PASSAGES)
    assert first == len(PASSAGES) + 1
    assert encoder.encoded == first + 1


def test_a_title_in_the_metadata_is_as_good_as_one_in_the_text(reader: EvidenceReader) -> None:
    body = CANTEEN.text.partition("\n")[2]
    asked = "What is free in the canteen?"
    titled = Passage(body, id="t", metadata={"title": "Canteen"})
    (with_title,) = reader.read(asked, [titled])
    (without,) = reader.read(asked, [Passage(body, id="t")])
    assert not np.allclose(np.asarray(with_title.keep), np.asarray(without.keep))


def test_headings_are_worth_nothing_by_themselves(reader: EvidenceReader) -> None:
    (reading,) = reader.read("canteen", [CANTEEN])
    assert np.asarray(reading.keep)[0] == 0


@settings(max_examples=25, deadline=None)
@given(
    st.text(max_size=60),
    st.lists(st.text(max_size=400).map(Passage), max_size=4),
)
def test_any_texts_are_read(query: str, passages: list[Passage]) -> None:
    readings = EvidenceReader().read(query, passages)
    assert len(readings) == len(passages)
    for reading, passage in zip(readings, passages, strict=True):
        keep = np.asarray(reading.keep)
        assert 0 <= reading.score <= 1
        assert keep.shape == (len(reading.spans),)
        assert ((keep >= 0) & (keep <= 1)).all()
        assert all(0 <= start <= end <= len(passage.text) for start, end in reading.spans)


def test_a_long_passage_is_read_in_windows() -> None:
    sheet = Sheet(
        "This sentence has some eight words or so. " * 120, lambda text: len(text.split())
    )
    assert len(sheet.windows) > 3
    covered = [at for window in sheet.windows for at in window.units]
    assert covered == list(range(len(sheet.units)))


def test_a_missing_or_foreign_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"keep\.onnx"):
        EvidenceReader(model=tmp_path)
    for file in evidence_model().iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    fusion = json.loads((tmp_path / "fusion.json").read_text())
    assert fusion["features"] == list(NAMES)
    (tmp_path / "fusion.json").write_text(json.dumps({**fusion, "features": ["other"]}))
    with pytest.raises(ModelError, match="other features"):
        EvidenceReader(model=tmp_path)
