"""Networks as TorchScript archives."""

from __future__ import annotations

import io
from collections.abc import Mapping

import torch

from tests.differential.networks import Network, Node

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
    module = torch.jit.ScriptModule()
    for name, array in network.constants.items():
        kind = network.values[name].kind
        dtype = getattr(torch, _DTYPES[kind.name].partition(".")[2])
        module.register_buffer(name, torch.tensor(array.astype("f8"), dtype=dtype))
    arguments = ", ".join(["self", *(item.value.name for item in network.inputs)])
    lines = [f"def forward({arguments}):"]
    lines += [f"    {_statement(node, network)}" for node in network.nodes]
    results = [_name(output.value.name, network) for output in network.outputs]
    lines.append(f"    return {', '.join(results)}")
    module.define("\n".join([*lines, ""]))
    file = io.BytesIO()
    torch.jit.save(module, file)
    return file.getvalue()


def _name(name: str, network: Network) -> str:
    return f"self.{name}" if name in network.constants else name


def _statement(node: Node, network: Network) -> str:
    extra = _DTYPES[node.outputs[0].kind.name] if node.op == "cast" else node.extra
    inputs = [_name(name, network) for name in node.inputs]
    made = ", ".join(value.name for value in node.outputs)
    return f"{made} = {_EXPRESSIONS[node.op].format(*inputs, extra=extra)}"
