"""How much a process grows with each context of a language model, against what is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.gguf_models import random_weights

_GROWTH = """
import json, sys, threading
from pathlib import Path
from rewriter.abi.dialects import Target
from runtime_shim.backends.ggml.backend import GgmlBackend
from runtime_shim.backends.ggml.llama_cpp import Token
from runtime_shim.backends.ggml.options import GgmlOptions
from runtime_shim.backends.ggml.text import Text

def resident():
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(text.split("Anonymous:")[1].split()[0]) << 10

graph = GgmlBackend().load([Path(sys.argv[1])], Target.CPU)
tokens, options = json.loads(sys.argv[2]), GgmlOptions(**json.loads(sys.argv[3]))
texts, grown = [], []
for first in range(5, 9):
    texts.append(Text(graph, options, threading.Event()))
    texts[-1].begin((Token * tokens)(*[first] * tokens))
    texts[-1].advance()
    texts[-1].advance()
    grown.append(resident())
print((grown[-1] - grown[0]) // 3, graph.context_bytes(options))
"""
"""Prints by how many bytes the process grows with each context, and what counts for one."""

ALTERNATIVES = " | ".join(f'"{number}a"' for number in range(2000))


@pytest.mark.parametrize(
    ("shape", "tokens", "options", "factor"),
    [
        ({"blocks": 300}, 3, {"ctx_size": 8}, 3),
        ({"vocabulary": 64_000}, 3, {"ctx_size": 8, "top_k": 0}, 3),
        ({"context": 65_536}, 9000, {"ctx_size": 65_536, "ubatch_size": 64}, 3),
        ({"feed_forward": 32_768}, 500, {"ctx_size": 512, "ubatch_size": 512}, 3),
        ({"vocabulary": 64_000}, 3, {"ctx_size": 8, "grammar": "root ::= .*"}, 4),
        ({}, 3, {"ctx_size": 8, "grammar": "root ::= " + "[a-z]{0,1999} " * 9 + "."}, 8),
        ({}, 3, {"ctx_size": 8, "grammar": f"root ::= {ALTERNATIVES}"}, 12),
    ],
    ids=["layers", "vocabulary", "context", "values", "candidates", "grammar", "alternatives"],
)
def test_a_process_grows_by_no_more_than_is_counted(
    tmp_path: Path, shape: dict[str, Any], tokens: int, options: dict[str, object], factor: int
) -> None:
    path = tmp_path / "model.gguf"
    random_weights(path, size=32, **shape)
    told = json.dumps({"batch_size": 512, "threads": 1, **options})
    found = subprocess.run(
        [sys.executable, "-c", _GROWTH, path, json.dumps(tokens), told],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    grown, counts = map(int, found.stdout.split())
    assert grown <= counts <= factor * grown
