"""The headings of each command's options, and the examples at the end of its help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["PAGES", "Page"]

_HELP = "--help"


class Page(NamedTuple):
    """What one command's help has besides its docstring and its options.

    `headings` maps each heading to the long names of its options. Options that are not in it are
    shown under "Options". `examples` are lines of shell that work in a checkout; a line that ends
    with a backslash goes on in the next.
    """

    headings: Mapping[str, tuple[str, ...]]
    examples: tuple[str, ...]


_RUN = Page(
    {
        "Files and environment": (
            *("--dir", "--map-dir", "--env", "--invoke"),
            "--trap-unknown-imports",
        ),
        "Models": (
            *("-S", "--nn-preload", "--graphs", "--graph-files", "--device", "--gpu-fallback"),
            *("--threads", "--fast-math", "--isolate", "--model-cache", "--model-cache-size"),
        ),
        "Limits": ("--timeout", "--fuel", "--max-memory", "--limit"),
        "Host": ("--as", "--guest-abi", "--cache"),
        "Output": ("--stats", "--stats-json", "--backtrace", "--verbose", _HELP),
    },
    (
        "nnshim run --dir samples samples/digits.wasm \\",
        "  samples/digits/model.tflite samples/images/3.pgm",
        "nnshim run --as wasmedge --timeout 10s --dir samples samples/digits.wasm \\",
        "  samples/digits/model.tflite samples/images/3.pgm",
    ),
)

_CACHED = (
    "nnshim run --model-cache models --dir samples samples/digits.wasm \\",
    "  samples/digits/model.onnx samples/images/3.pgm",
)

_MANY = (
    *("--files-from", "--exclude", "--max-unpacked"),
    *("--jobs", "--workers", "--fail-fast"),
)

PAGES: Mapping[str, Page] = {
    "": Page(
        {},
        (
            "nnshim check --for wamr-legacy@2.3.1 samples/digits.wasm",
            "nnshim rewrite --for wamr-legacy@2.3.1 samples/digits.wasm out.wasm",
        ),
    ),
    "rewrite": Page(
        {
            "Target": ("--for", "--abi", "--to", "--rename"),
            "The module": ("--from", "--guest-abi"),
            "Components": (
                *("--input-name", "--output-name", "--model"),
                *("--wasi-adapter", "--fetch-wasi-adapter"),
            ),
            "What is kept": (
                *("--drop-debug", "--drop-signature", "--drop-linking"),
                *("--keep-offsets", "--record"),
            ),
            "Provenance": ("--attestation", "--key", "--unsigned", "--sbom"),
            "Many files": _MANY,
            "Checks": ("--validate", "--require", "--dry-run"),
            "Configuration": ("--config", "--no-config"),
            "Output": ("--output", "--quiet", "--json", _HELP),
        },
        (
            "nnshim rewrite --for wamr-legacy@2.3.1 samples/digits.wasm out.wasm",
            "nnshim rewrite --to wasi:nn samples/digits.wasm component.wasm",
        ),
    ),
    "inspect": Page(
        {},
        (
            "nnshim inspect samples/digits.wasm",
            "nnshim inspect --json samples/digits.wasm samples/digits_by_name.wat",
        ),
    ),
    "check": Page(
        {
            "Hosts and models": ("--for", "--model", "--guest-abi"),
            "Rewriting in place": ("--fix", "--diff"),
            "Many files": (*_MANY, "--only-wasi-nn"),
            "What counts": ("--strict", "--accept", "--validate"),
            "Configuration": ("--config", "--no-config"),
            "What is shown": (
                *("--explain", "--select", "--ignore", "--quiet", "--statistics"),
                "--exit-zero",
            ),
            "Output": ("--output-format", "--report", "--json", _HELP),
        },
        (
            "nnshim check --for wamr --report sarif=nnshim.sarif samples/digits.wasm",
            "nnshim check --for wasmtime --model samples/digits/model.onnx \\",
            "  samples/digits.wasm",
        ),
    ),
    "hosts": Page({}, ("nnshim hosts wamr-legacy@2.3.1", "nnshim hosts wamr@2.2 wamr@2.4")),
    "verify": Page(
        {},
        (
            "nnshim rewrite --for wamr-legacy samples/digits.wasm out.wasm",
            "nnshim verify samples/digits.wasm out.wasm",
        ),
    ),
    "explain": Page({}, ("nnshim explain NN201", 'nnshim explain "unknown import: wasi_nn::load"')),
    "run": _RUN,
    "map": Page(
        {
            "Inputs and workers": ("--inputs", "--workers", "--gpus", "--fail-fast"),
            **{name: options for name, options in _RUN.headings.items() if name != "Output"},
            "Output": ("--output", "--stats", "--stats-json", "--backtrace", "--json", _HELP),
        },
        (
            "nnshim map --inputs samples/images -o digits --dir samples --workers 2 \\",
            "  samples/digits.wasm samples/digits/model.onnx {}",
            "nnshim map --inputs samples/images -o threes --timeout 10s --json \\",
            "  -S nn-graph=onnx::samples/digits samples/digits_by_name.wat",
        ),
    ),
    "probe": Page(
        {
            "About the host": ("--name", "--release", "--commit", "--option", "--graph"),
            "Measuring": ("--timeout", "--jobs"),
            "Output": ("--output", "--json", _HELP),
        },
        (
            "nnshim probe -o wasmtime.toml -- wasmtime run -S nn {}",
            "nnshim check --for ./wasmtime.toml samples/digits.wasm",
        ),
    ),
    "doctor": Page({}, ("nnshim doctor", "nnshim doctor --samples")),
    "bench": Page(
        {
            "The model": ("--encoding", "--input", "--options"),
            "Where it runs": ("--backend", "--device", "--threads", "--fast-math"),
            "Measuring": ("--seconds", "--parallel"),
            "Output": ("--plot", "--json", "--verbose", _HELP),
        },
        (
            "nnshim bench --seconds 500ms samples/digits/model.tflite",
            "nnshim bench --backend onnx --seconds 500ms --json samples/digits/model.onnx",
        ),
    ),
    "cache": Page({}, (*_CACHED, "nnshim cache list models")),
    "cache list": Page({}, (*_CACHED, "nnshim cache list models")),
    "cache dir": Page({}, (*_CACHED, "nnshim cache dir")),
    "cache clear": Page({}, (*_CACHED, "nnshim cache clear models")),
    "config": Page({}, ("nnshim config show", "nnshim config schema")),
    "config show": Page(
        {},
        ("nnshim config show", "nnshim config show --json --for wamr samples/digits.wasm"),
    ),
    "config schema": Page(
        {},
        ("nnshim config schema", "nnshim config schema > nnshim.schema.json"),
    ),
    "help": Page({}, ("nnshim help run", "nnshim help cache list")),
}
"""By the words of the command, without `nnshim`."""
