from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragthrift.errors import InputError, ModelError, ModelNotFoundError
from ragthrift.local import LocalModel, Prefixes, load_model, plain_text
from ragthrift.types import Message

pytestmark = pytest.mark.model
gguf = pytest.importorskip("gguf")
np = pytest.importorskip("numpy")

PROMPT = [Message("user", "The capital of France is a city with a long history. It is")]


def write_adapter(model: Path, target: Path, seed: int, strength: float) -> Path:
    """A LoRA of rank 4 on each query and value matrix, of random numbers."""
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 8.0)
    chance = np.random.default_rng(seed)
    for tensor in gguf.GGUFReader(model).tensors:
        if tensor.name.endswith(("attn_q.weight", "attn_v.weight")):
            width, height = int(tensor.shape[0]), int(tensor.shape[1])
            down = chance.normal(size=(4, width)) / width**0.5
            up = chance.normal(size=(height, 4)) * strength
            writer.add_tensor(f"{tensor.name}.lora_a", down.astype(np.float32))
            writer.add_tensor(f"{tensor.name}.lora_b", up.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


@pytest.fixture(scope="module")
def adapted(smollm2_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalModel]:
    folder = tmp_path_factory.mktemp("adapters")
    adapters = {
        name: write_adapter(smollm2_path, folder / f"{name}.gguf", seed, strength)
        for seed, (name, strength) in enumerate({"one": 0.1, "two": 0.1, "nothing": 0.0}.items())
    }
    with load_model(
        smollm2_path, n_ctx=256, slots=2, adapters=adapters, prompt_format=plain_text
    ) as model:
        yield model


def ask(model: LocalModel, adapter: str | None) -> str:
    settings = {} if adapter is None else {"adapter": adapter}
    return model.complete(PROMPT, max_tokens=12, **settings).text  # type: ignore[arg-type]


def test_each_call_chooses_its_adapter(adapted: LocalModel, smollm2_path: Path) -> None:
    # With adapters bits are not reproducible, so that the model without them must round as they do.
    with load_model(smollm2_path, n_ctx=256, prompt_format=plain_text, reproducible=False) as plain:
        base = ask(plain, None)
    answers = {name: ask(adapted, name) for name in (None, "one", "two")}
    assert answers[None] == base
    assert len(set(answers.values())) == 3
    for name in ("one", None, "two", "two", None, "one"):
        assert ask(adapted, name) == answers[name]
    assert ask(adapted, "nothing") == base


def test_adapters_do_not_mix_in_calls_at_the_same_time(adapted: LocalModel) -> None:
    names = [None, "one", "two"] * 3
    alone = {name: ask(adapted, name) for name in set(names)}
    with ThreadPoolExecutor(len(names)) as threads:
        together = list(threads.map(lambda name: ask(adapted, name), names))
    assert together == [alone[name] for name in names]


def test_prefixes_of_adapters_are_read_and_never_restored(
    adapted: LocalModel, tmp_path: Path
) -> None:
    alone = {name: ask(adapted, name) for name in (None, "one")}
    for name in ("one", None, "one"):
        assert Prefixes(adapted, tmp_path).warm(PROMPT, adapter=name) == "read"
        assert {name: ask(adapted, name) for name in alone} == alone
    assert list(tmp_path.iterdir()) == []


def test_unknown_adapters_are_refused(adapted: LocalModel, smollm2: LocalModel) -> None:
    with pytest.raises(InputError, match=r"no adapter 'three'; there are \['nothing'"):
        ask(adapted, "three")
    with pytest.raises(InputError, match="takes no adapter"):
        ask(smollm2, "one")


def test_files_that_are_no_adapters_are_refused(
    smollm2_path: Path, gemma_path: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelNotFoundError):
        load_model(smollm2_path, n_ctx=64, adapters={"a": tmp_path / "absent.gguf"})
    with pytest.raises(InputError, match="is no LoRA adapter"):
        load_model(smollm2_path, n_ctx=64, adapters={"a": smollm2_path})
    other = write_adapter(smollm2_path, tmp_path / "smollm2.gguf", 0, 0.1)
    with pytest.raises(ModelError, match="may belong to another model"):
        load_model(gemma_path, n_ctx=64, adapters={"a": other})
