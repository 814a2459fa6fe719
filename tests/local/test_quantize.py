from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ragthrift.errors import InputError, ModelError, ModelNotFoundError
from ragthrift.local import read_gguf
from ragthrift.local.quantize import check_source, quantize
from ragthrift.local.quantize_kinds import KINDS

gguf = pytest.importorskip("gguf")
if find_spec("xllamacpp") is None:  # not imported: the thread settings do not stand yet
    pytest.skip("xllamacpp is not installed", allow_module_level=True)

_LAYERS, _WIDTH, _WORDS = 8, 256, 64

Write = Callable[..., Path]


def _weights(seed: int, *shape: int) -> NDArray[np.float16]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float16)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a model of random weights; not one that llama.cpp could run."""

    def write(name: str = "tiny.gguf", *, width: int = _WIDTH, **extra: Any) -> Path:
        writer = gguf.GGUFWriter(tmp_path / name, "llama")
        writer.add_block_count(_LAYERS)
        writer.add_file_type(1)
        writer.add_token_list([f"w{number}" for number in range(_WORDS)])
        writer.add_token_scores([0.5] * _WORDS)
        for key, value in extra.pop("values", {}).items():
            writer.add_uint16(key, value)
        tensors: dict[str, NDArray[Any]] = {"token_embd.weight": _weights(0, _WORDS, width)}
        for layer in range(_LAYERS):
            for seed, part in enumerate(("attn_q", "attn_v", "attn_output", "ffn_down", "ffn_up")):
                name_ = f"blk.{layer}.{part}.weight"
                tensors[name_] = _weights(10 * layer + seed, 32, width)
            tensors[f"blk.{layer}.attn_norm.weight"] = np.ones(width, np.float32)
        for name_, content in {**tensors, **extra}.items():
            writer.add_tensor(name_, content)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return tmp_path / name

    return write


def _tensors(file: Path) -> dict[str, Any]:
    return {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}


def _types(file: Path, part: str) -> list[str]:
    return [t.tensor_type.name for name, t in _tensors(file).items() if part in name]


def test_q8_0_is_bit_for_bit_that_of_the_gguf_package(write: Write, tmp_path: Path) -> None:
    source = write()
    found = _tensors(quantize(source, tmp_path / "q8.gguf", "q8_0"))
    for name, tensor in _tensors(source).items():
        if "norm" in name:
            assert np.array_equal(found[name].data, tensor.data)
            continue
        due = gguf.quantize(tensor.data.astype(np.float32), gguf.GGMLQuantizationType.Q8_0)
        assert np.array_equal(found[name].data, due), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_comes_near_the_weights_and_says_what_it_is(
    kind: str, write: Write, tmp_path: Path
) -> None:
    source = write()
    target = quantize(source, tmp_path / "small.gguf", kind)
    assert read_gguf(target).metadata["general.file_type"] == KINDS[kind].file_type
    found, due = _tensors(target), _tensors(source)
    assert list(found) == list(due), "in the order of the source"
    error = {"f16": 1e-6, "q8_0": 0.01, "q6_k": 0.03, "q5_k_m": 0.06, "q4_k_m": 0.11, "q4_0": 0.13}
    for name, tensor in found.items():
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        assert values.shape == due[name].data.shape
        assert np.abs(values - due[name].data).mean() <= error.get(kind, 0.25), name


def test_smaller_kinds_are_smaller_files(write: Write, tmp_path: Path) -> None:
    source = write()
    sizes = [quantize(source, tmp_path / k, k).stat().st_size for k in KINDS if k != "q4_0"]
    assert sizes == sorted(sizes, reverse=True)


def test_tensors_that_matter_more_get_more_bits(write: Write, tmp_path: Path) -> None:
    target = quantize(write(), tmp_path / "small.gguf", "q4_k_m")
    rich = ["Q6_K", "Q4_K", "Q4_K", "Q6_K", "Q4_K", "Q4_K", "Q6_K", "Q6_K"]
    assert _types(target, "attn_v") == _types(target, "ffn_down") == rich
    assert set(_types(target, "attn_q") + _types(target, "ffn_up")) == {"Q4_K"}
    assert _types(target, "token_embd") == ["Q6_K"], "it is the output matrix, too"
    assert set(_types(target, "norm")) == {"F32"}


def test_an_output_matrix_of_its_own_takes_the_bits(write: Write, tmp_path: Path) -> None:
    source = write(**{"output.weight": _weights(99, _WORDS, _WIDTH)})
    target = quantize(source, tmp_path / "small.gguf", "q4_k_m")
    assert _types(target, "output.weight")[-1:] == ["Q6_K"]
    assert _types(target, "token_embd") == ["Q4_K"]


@pytest.mark.parametrize(
    ("kind", "width", "due"),
    [("q4_k_m", 288, "Q5_0"), ("q5_k_m", 288, "Q5_1"), ("q6_k", 288, "Q8_0"), ("q4_0", 40, "F16")],
)
def test_rows_that_are_no_whole_blocks_take_another_type(
    kind: str, width: int, due: str, write: Write, tmp_path: Path
) -> None:
    target = quantize(write(width=width), tmp_path / "small.gguf", kind)
    assert set(_types(target, "attn_q")) == {due}


def test_what_else_the_file_says_stays(write: Write, tmp_path: Path) -> None:
    source = write(values={"llama.odd": 7})
    target = quantize(source, tmp_path / "small.gguf", "q4_0")
    before, after = gguf.GGUFReader(source).fields, gguf.GGUFReader(target).fields
    assert before.keys() == after.keys()
    for name in before.keys() - {"general.file_type"}:
        assert before[name].types == after[name].types
        assert before[name].contents() == after[name].contents()


def test_a_lossy_source_is_refused_unless_asked_for(write: Write, tmp_path: Path) -> None:
    good = quantize(write(), tmp_path / "q8.gguf", "q8_0")
    poor = quantize(good, tmp_path / "q4.gguf", "q4_0")
    with pytest.raises(InputError, match=r"quantized already \(file type 2\).*from_quantized=True"):
        quantize(poor, tmp_path / "again.gguf", "q8_0")
    assert not (tmp_path / "again.gguf").exists()
    with pytest.raises(InputError, match="quantized already"):
        check_source(poor, "q8_0")
    check_source(good, "q4_0")
    check_source(poor, "q8_0", from_quantized=True)
    again = quantize(poor, tmp_path / "again.gguf", "f16", from_quantized=True)
    assert set(_types(again, "attn")) == {"F16", "F32"}


def test_a_copy_of_the_same_kind_loses_nothing(write: Write, tmp_path: Path) -> None:
    small = quantize(write(), tmp_path / "q4.gguf", "q4_k_m")
    same = quantize(small, tmp_path / "same.gguf", "q4_k_m")
    for name, tensor in _tensors(same).items():
        assert np.array_equal(tensor.data, _tensors(small)[name].data)


def test_a_failure_leaves_the_target_as_it_was(write: Write, tmp_path: Path) -> None:
    broken = _weights(5, 32, _WIDTH)
    broken[3, 3] = np.nan
    source = write(**{"blk.7.ffn_gate.weight": broken})
    target = tmp_path / "small.gguf"
    target.write_text("mine")
    with pytest.raises(ModelError, match=r"blk\.7\.ffn_gate\.weight .* not finite"):
        quantize(source, target, "q8_0")
    assert target.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.gguf", "small.gguf"}


def test_what_cannot_work_is_said_clearly(write: Write, tmp_path: Path) -> None:
    source = write()
    with pytest.raises(InputError, match="no kind 'q9'; there are f16, q8_0"):
        quantize(source, tmp_path / "small.gguf", "q9")
    with pytest.raises(InputError, match="the source itself"):
        quantize(source, source, "q8_0")
    with pytest.raises(ModelNotFoundError):
        quantize(tmp_path / "none.gguf", tmp_path / "small.gguf", "q8_0")
    with pytest.raises(ModelError, match="cannot be written"):
        quantize(source, tmp_path / "no folder" / "small.gguf", "q8_0")
    with pytest.raises(InputError, match="split model"):
        quantize(write("s.gguf", values={"split.count": 2}), tmp_path / "small.gguf", "q8_0")
    (tmp_path / "text.gguf").write_text("this is no model at all, only text")
    with pytest.raises(ModelError, match="not a usable GGUF"):
        quantize(tmp_path / "text.gguf", tmp_path / "small.gguf", "q8_0")
