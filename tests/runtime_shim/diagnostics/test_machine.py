"""What is said of a machine, in folders made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_shim.diagnostics.machine import gpus, module_cache, tools
from tests.support.command import nnshim


def test_gpus_are_found_by_the_files_of_their_drivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VK_DRIVER_FILES", raising=False)
    monkeypatch.delenv("VK_ICD_FILENAMES", raising=False)
    assert [gpu.found for gpu in gpus(str(tmp_path))] == [()] * 5
    for name in ("dev/nvidia0", "dev/nvidiactl", "dev/dri/renderD128", "etc/vulkan/icd.d/a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {gpu.name: gpu.found for gpu in gpus(str(tmp_path))}
    assert found["NVIDIA (CUDA)"] == (f"{tmp_path}/dev/nvidia0",)
    assert found["render nodes"] == (f"{tmp_path}/dev/dri/renderD128",)
    assert found["Vulkan drivers"] == (f"{tmp_path}/etc/vulkan/icd.d/a.json",)
    assert found["AMD (ROCm)"] == found["OpenCL drivers"] == ()


def test_a_vulkan_driver_that_a_variable_names_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "[x].json"
    driver.touch()
    monkeypatch.setenv("VK_DRIVER_FILES", str(driver))
    (vulkan,) = (gpu for gpu in gpus() if gpu.name == "Vulkan drivers")
    assert str(driver) in vulkan.found


def test_tools_are_those_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "iwasm").write_text("")
    (tmp_path / "iwasm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools() == {
        "wasm-tools": None,
        "wasmtime": None,
        "wasmedge": None,
        "iwasm": str(tmp_path / "iwasm"),
    }


def test_the_cache_of_modules_is_where_wasmtime_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert module_cache() == (str(tmp_path / "caches/wasmtime"), None)
    (tmp_path / "caches/wasmtime/modules").mkdir(parents=True)
    (tmp_path / "caches/wasmtime/modules/a").write_bytes(b"abc")
    assert module_cache() == (str(tmp_path / "caches/wasmtime"), 3)
    shown = nnshim("cache", "dir").stdout.decode()
    assert f"compiled modules: {tmp_path}/caches/wasmtime, 3 bytes" in shown
    (tmp_path / "config/wasmtime").mkdir(parents=True)
    configuration = tmp_path / "config/wasmtime/config.toml"
    configuration.write_text(f'[cache]\ndirectory = "{tmp_path}/own"')
    assert module_cache() == (str(tmp_path / "own"), None)


def test_a_guest_that_runs_leaves_its_code_where_cache_dir_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    guest = tmp_path / "guest.wat"
    guest.write_text('(module (func (export "_start")))')
    assert nnshim("run", guest).returncode == 0
    assert (module_cache().size or 0) > 0


def test_clearing_models_leaves_the_files_of_others(tmp_path: Path) -> None:
    own = tmp_path / f"nnshim-onnx-{'0' * 64}.model"
    for path in (own, tmp_path / "model.onnx", tmp_path / "nnshim-onnx-0.model"):
        path.write_bytes(b"abc")
    assert nnshim("cache", "clear", tmp_path).stdout == b"removed 1 file, 3 bytes\n"
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "nnshim-onnx-0.model"}
