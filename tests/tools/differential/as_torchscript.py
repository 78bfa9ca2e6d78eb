"""Networks as TorchScript archives."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch

from tests.tools.differential.networks import Network, Node

__all__ = ["to_torchscript"]

_EXPRESSIONS: Mapping[str, str] = {
    "identity": "{0}",
    "abs": "torch.abs({0})",
    "neg": "torch.neg({0})",
    "relu": "torch.relu({0})",
    "add": "{0} + {1}",
    "mul": "{0} * {1}",
    "maximum": "torch.maximum({0}, {1})",
    "greater": "torch.gt({0}, {1})",
    "not": "torch.logical_not({0})",
    "cast": "{0}.to({extra})",
    "transpose": "{0}.permute({extra})",
    "concat": "torch.cat([{0}, {1}])",
    "reduce": "torch.sum({0}, [-1], dtype=None)",
    "flatten": "{0}.reshape([-1])",
    "shape": "torch.tensor({0}.shape, dtype=torch.int64)",
    "gather": "torch.embedding({0}, {1})",
    "split": "torch.split({0}, {0}.shape[0] // 2)",
    "nonzero": "torch.nonzero({0})",
}
"""In TorchScript, of the inputs and of what the operator has besides."""

_DTYPES: Mapping[str, str] = {
    "f16": "torch.float16",
    "f32": "torch.float32",
    "f64": "torch.float64",
    "u8": "torch.uint8",
    "i32": "torch.int32",
    "i64": "torch.int64",
    "bool": "torch.bool",
    "i8": "torch.int8",
    "bf16": "torch.bfloat16",
}


def to_torchscript(network: Network) -> bytes:
    arguments = ", ".join(["self", *(item.value.name for item in network.inputs)])
    lines = [f"def forward({arguments}):"]
    lines += [f"    {name} = {_constant(name, network)}" for name in network.constants]
    lines += [f"    {_statement(node)}" for node in network.nodes]
    results = [output.value.name for output in network.outputs]
    lines.append(f"    return {', '.join(results)}")
    module: Any = type("Module", (torch.jit.ScriptModule,), {})()  # a class can be given code once
    module.define("\n".join([*lines, ""]))
    file = io.BytesIO()
    torch.jit.save(module, file)
    return file.getvalue()


def _constant(name: str, network: Network) -> str:
    array, dtype = network.constants[name], _DTYPES[network.values[name].kind.name]
    shape = list(array.shape)
    if not array.size:
        return f"torch.zeros({shape}, dtype={dtype})"
    numbers = [float(number) for number in array.reshape(-1)]
    return f"torch.tensor({numbers}, dtype={dtype}).reshape({shape or '()'})"


def _statement(node: Node) -> str:
    extra = _DTYPES[node.outputs[0].kind.name] if node.op == "cast" else node.extra
    made = ", ".join(value.name for value in node.outputs)
    return f"{made} = {_EXPRESSIONS[node.op].format(*node.inputs, extra=extra)}"
