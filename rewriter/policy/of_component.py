"""What a component asks for that a policy does not allow, by its imports."""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.abi.snapshots import PACKAGE
from rewriter.analysis.components.described import ComponentInfo, Interface
from rewriter.diagnostics import Diagnostic, distinct
from rewriter.policy.policy import Policy
from rewriter.policy.unknown import unknown

__all__ = ["asked_by_component"]

_OF_VALUES = (f"{PACKAGE}/tensor", f"{PACKAGE}/errors")
"""The interfaces for making and reading tensors and errors, which run nothing."""


def asked_by_component(info: ComponentInfo, policy: Policy) -> tuple[Diagnostic, ...]:
    """What a component asks for that the policy does not allow, or that is not known to be allowed.
    A component gets nothing that it does not import. What it passes to functions is not known."""
    found: list[Diagnostic] = []
    for item in info.imports:
        found += _wasi_nn(item, policy) if item.package == PACKAGE else _other(item, policy)
    return distinct(found)


def _other(item: Interface, policy: Policy) -> Iterator[Diagnostic]:
    names = (item.name, item.interface, item.package)
    if not any(policy.allows("imports", name) for name in names):
        message = f"the policy does not allow to import {item.name}"
        yield Diagnostic("NN802", message, item.offset)


def _wasi_nn(item: Interface, policy: Policy) -> Iterator[Diagnostic]:
    if item.interface in _OF_VALUES and item.is_read and item.unknown is None:
        return
    functions = {_in_core(name) for name in item.functions}
    if policy.limits("functions"):
        for name in sorted(functions):
            if not policy.allows("functions", name):
                message = f"the policy does not allow {name}: it imports that of {item.name}"
                yield Diagnostic("NN801", message, item.offset, name)
    if not item.is_read or item.unknown is not None:
        what = item.unknown or "functions that are not known"
        yield unknown(policy, f"it imports {what} of {item.name}", item.offset)
        functions |= {"load", "load_by_name"}
    if "load" in functions:
        for subject in ("encodings", "targets"):
            if policy.limits(subject):
                message = f"the {subject} that it loads models for are not known"
                yield unknown(policy, message, item.offset, "load")
    if "load_by_name" in functions:
        yield from _by_name(item, policy)


def _by_name(item: Interface, policy: Policy) -> Iterator[Diagnostic]:
    if policy.limits("named_graphs") and not policy.named_graphs:
        message = f"the policy allows no named graph: it imports load-by-name of {item.name}"
        yield Diagnostic("NN805", message, item.offset, "load_by_name")
    elif policy.limits("named_graphs"):
        message = "the names of the graphs that it loads are not known"
        yield unknown(policy, message, item.offset, "load_by_name")
    elif policy.limits("encodings") or policy.limits("targets"):
        message = "the encodings and targets of graphs that it loads by name are not known"
        yield unknown(policy, message, item.offset, "load_by_name")


def _in_core(name: str) -> str:
    """The function of core modules that does the same: `[method]graph.init-execution-context` is
    `init_execution_context`."""
    return name.rpartition(".")[2].replace("-", "_")
