import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragthrift.errors import InputError, ModelError, ModelNotFoundError
from ragthrift.local import memory_need as needs
from ragthrift.local.memory_need import available_memory, check_memory, memory_need

pytestmark = pytest.mark.model

_MIB = 1 << 20
_MEASURE = """
import json, sys
from ragthrift.local.llama_library import llama_library
llama_library()
import xllamacpp
def resident():
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
before = resident()
wanted = xllamacpp.CommonParams()
wanted.model.path, wanted.n_ctx, wanted.n_batch = sys.argv[1], 1024, 512
wanted.n_parallel, wanted.cache_ram_mib, wanted.verbosity = 1, 0, 0
wanted.cpuparams.n_threads = 1
server = xllamacpp.Server(wanted)
answer = server.handle_completions({"prompt": "tea and rain " * 200, "max_tokens": 2})
print(json.dumps([resident() - before, answer["usage"]["prompt_tokens"]]))
"""


@pytest.mark.parametrize("model", ["smollm2_path", "gemma_path"])
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is in /proc")
def test_the_estimate_is_near_what_a_loaded_model_takes(
    model: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(model)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    resident, tokens = json.loads(done.stdout.splitlines()[-1])
    assert tokens > 512, "more than one batch was read"
    need = memory_need(path, n_ctx=1024).total
    assert 0.75 * resident < need < 1.5 * resident


def test_keys_and_values_are_counted_to_the_byte(smollm2_path: Path) -> None:
    # 30 layers, 3 heads of 64 numbers each for keys and values, 2 bytes a number.
    a_token = 30 * 3 * (64 + 64) * 2
    assert memory_need(smollm2_path, n_ctx=1000).kv_cache == 1000 * a_token
    assert memory_need(smollm2_path, n_ctx=1000, slots=4).kv_cache == 4000 * a_token


def test_sliding_layers_keep_a_part_of_the_window(gemma_path: Path) -> None:
    # 18 layers with one head of 256 numbers; 15 of them see 512 tokens and the batch of 512.
    row = 1 * (256 + 256) * 2
    assert memory_need(gemma_path, n_ctx=8192).kv_cache == row * (15 * 1024 + 3 * 8192)
    assert memory_need(gemma_path, n_ctx=600).kv_cache == row * 18 * 600


def test_the_parts_add_up(smollm2_path: Path) -> None:
    need = memory_need(smollm2_path, n_ctx=512, adapters=[smollm2_path], cache_mib=7)
    assert need.weights == need.adapters == smollm2_path.stat().st_size
    assert need.prefixes == 7 * _MIB
    plain = memory_need(smollm2_path, n_ctx=512)
    assert need.total == plain.total + need.adapters + need.prefixes


def test_free_memory_is_within_the_machine() -> None:
    free = available_memory()
    if free is None:
        pytest.skip("this system does not tell")
    assert 0 < free <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders that are read in place of the system's, empty at first."""
    for name, version in (("_CGROUP_V2", "v2"), ("_CGROUP_V1", "v1")):
        (tmp_path / version).mkdir()
        monkeypatch.setattr(needs, name, tmp_path / version)
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    5000 kB\n")
    monkeypatch.setattr(needs, "_MEMINFO", tmp_path / "meminfo")
    return tmp_path


def _write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def test_the_machine_alone_bounds_the_memory(cgroups: Path) -> None:
    assert available_memory() == 5000 * 1024
    _write(cgroups / "v2", memory__max="max\n", memory__current="70\n")
    assert available_memory() == 5000 * 1024


def test_a_cgroup_bounds_it_too_and_its_cached_files_are_free(cgroups: Path) -> None:
    stat = "anon 500\ninactive_file 300\nactive_file 40\n"
    _write(cgroups / "v2", memory__max="1000\n", memory__current="800\n", memory__stat=stat)
    assert available_memory() == 500
    _write(cgroups / "v2", memory__current="2000\n")
    assert available_memory() == 0


def test_cgroups_of_the_first_version_are_read(cgroups: Path) -> None:
    v1 = {"memory__limit_in_bytes": "1000", "memory__usage_in_bytes": "900"}
    _write(cgroups / "v1", memory__stat="total 1\n", **v1)
    assert available_memory() == 100


def test_a_system_that_does_not_tell_refuses_nothing(cgroups: Path, smollm2_path: Path) -> None:
    (cgroups / "meminfo").unlink()
    assert available_memory() is None
    assert check_memory(smollm2_path, n_ctx=8192, slots=10**6).total > 10**12


def test_what_fits_is_let_through(smollm2_path: Path) -> None:
    assert check_memory(smollm2_path, n_ctx=512).total < 400 * _MIB


def test_what_cannot_fit_is_refused_with_the_numbers_and_a_way_out(smollm2_path: Path) -> None:
    free = available_memory()
    if free is None:
        pytest.skip("this system does not tell")
    slots = 2 * free // memory_need(smollm2_path, n_ctx=8192).kv_cache
    with pytest.raises(ModelError, match=rf"{slots} x 8192 tokens needs [\d,]+ MiB.* are free"):
        check_memory(smollm2_path, n_ctx=8192, slots=slots)
    with pytest.raises(ModelError, match=r"load it with n_ctx=\d+ and slots=\d+"):
        check_memory(smollm2_path, n_ctx=8192, slots=slots)


def test_the_way_out_works(smollm2_path: Path) -> None:
    free = available_memory()
    if free is None:
        pytest.skip("this system does not tell")
    slots = 2 * free // memory_need(smollm2_path, n_ctx=8192).kv_cache
    with pytest.raises(ModelError) as refused:
        check_memory(smollm2_path, n_ctx=8192, slots=slots)
    advice = str(refused.value).rsplit("load it with ", 1)[1]
    n_ctx, fewer = (int(word.split("=")[1].rstrip(",")) for word in advice.split()[:3:2])
    need = memory_need(smollm2_path, n_ctx=n_ctx, slots=fewer)
    assert need.total < 1.05 * free


def test_a_cache_of_prefixes_that_cannot_fit_is_refused(smollm2_path: Path) -> None:
    free = available_memory()
    if free is None:
        pytest.skip("this system does not tell")
    with pytest.raises(ModelError, match="cache_mib"):
        check_memory(smollm2_path, n_ctx=512, cache_mib=2 * free // _MIB)


def test_settings_that_cannot_be_are_refused(smollm2_path: Path, tmp_path: Path) -> None:
    for n_ctx, slots, cache in ((0, 1, 0), (512, 0, 0), (512, 1, -1)):
        with pytest.raises(InputError):
            memory_need(smollm2_path, n_ctx=n_ctx, slots=slots, cache_mib=cache)
    with pytest.raises(ModelNotFoundError):
        memory_need(tmp_path / "none.gguf", n_ctx=512)
