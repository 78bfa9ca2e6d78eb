"""A host of wasi:nn in Python, for the programs of tests.rewriter.inlining.inferring."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import wasmtime
from wasmtime import component as components

from rewriter.abi.snapshots import OCTOBER, PACKAGE, Snapshot
from rewriter.inlining.shims.types import ERROR_CODES

__all__ = ["Host", "Program"]

_CONTEXT = "[method]graph-execution-context."

_TENSOR, _GRAPH, _CONTEXT_KIND, _ERROR = 1, 2, 3, 4
_TYPES = ("FP16", "FP32", "FP64", "BF16", "U8", "I32", "I64")

Tensor = tuple[list[int], str, bytes]


class Host:
    """A host of wasi:nn whose model adds its inputs a and b: outputs are the sum, and a, with the
    names in `outputs`. Each compute needs both inputs; OCTOBER keeps none, older ones keep all."""

    def __init__(self, snapshot: Snapshot, outputs: str) -> None:
        self.snapshot = snapshot
        self.outputs = outputs
        self.objects: dict[int, object] = {}
        """What the guest has handles of."""
        self.made = 0
        self.kept: dict[int, dict[str, Tensor]] = {}
        """The inputs, and after compute the outputs, of each context."""

    def tensors(self) -> int:
        """How many tensors the guest has."""
        return sum(isinstance(each, tuple) for each in self.objects.values())

    def _put(self, kind: int, item: object) -> components.ResourceHost:
        self.made += 1
        self.objects[self.made] = item
        return components.ResourceHost.own(self.made, kind)

    def _fail(self, code: int, text: str) -> components.ResourceHost:
        return self._put(_ERROR, [ERROR_CODES[code], text])

    def define(self, linker: components.Linker) -> None:
        """Define the interfaces."""
        version = self.snapshot.version

        def rep(store: wasmtime.Store, given: components.ResourceAny) -> int:
            return int(given.to_host(store).rep)

        def item(store: wasmtime.Store, given: components.ResourceAny) -> Any:
            return self.objects[rep(store, given)]

        def drop(_store: object, number: int) -> None:
            self.objects.pop(number, None)

        def taken(store: wasmtime.Store, given: components.ResourceAny) -> Tensor:
            tensor = self.objects.pop(rep(store, given))
            assert isinstance(tensor, tuple)
            return tensor

        def init(store: wasmtime.Store, graph: components.ResourceAny) -> object:
            assert item(store, graph) == "graph"
            return components.Variant("ok", self._put(_CONTEXT_KIND, "context"))

        def compute_named(
            store: wasmtime.Store, context: components.ResourceAny, given: Iterable[Any]
        ) -> object:
            assert item(store, context) == "context"
            inputs = {}
            for name, tensor in given:
                inputs[name] = taken(store, tensor)
            found = self._computed(inputs)
            if isinstance(found, str):
                return self._fail(0, found)
            return [(name, self._put(_TENSOR, tensor)) for name, tensor in found.items()]

        def set_input(
            store: wasmtime.Store,
            context: components.ResourceAny,
            name: str,
            tensor: components.ResourceAny,
        ) -> object:
            kept = self.kept.setdefault(rep(store, context), {})
            kept[name] = taken(store, tensor)
            return None if name in "ab" else self._fail(0, f"no input {name}")

        def compute(store: wasmtime.Store, context: components.ResourceAny) -> object:
            kept = self.kept.setdefault(rep(store, context), {})
            found = self._computed({name: kept[name] for name in "ab" if name in kept})
            if isinstance(found, str):
                return self._fail(3, found)
            kept.update(found)
            return None

        def get_output(store: wasmtime.Store, context: components.ResourceAny, name: str) -> object:
            kept = self.kept.setdefault(rep(store, context), {})
            if name not in kept or name in "ab":
                return components.Variant("err", self._fail(3, f"no output {name}"))
            return components.Variant("ok", self._put(_TENSOR, kept[name]))

        with linker.root() as root:
            with root.add_instance(f"{PACKAGE}/errors@{version}") as i:
                i.add_resource("error", components.ResourceType.host(_ERROR), drop)
                i.add_func("[method]error.code", lambda s, e: item(s, e)[0])
                i.add_func("[method]error.data", lambda s, e: item(s, e)[1])
            with root.add_instance(f"{PACKAGE}/tensor@{version}") as i:
                i.add_resource("tensor", components.ResourceType.host(_TENSOR), drop)
                i.add_func(
                    "[constructor]tensor",
                    lambda s, d, t, b: self._put(_TENSOR, ([*d], t, bytes(b))),
                )
                for at, name in enumerate(("dimensions", "ty", "data")):
                    i.add_func(f"[method]tensor.{name}", _part(item, at))
            with root.add_instance(f"{PACKAGE}/inference@{version}") as i:
                kind = components.ResourceType.host(_CONTEXT_KIND)
                i.add_resource("graph-execution-context", kind, drop)
                if self.snapshot is OCTOBER:
                    i.add_func(f"{_CONTEXT}compute", compute_named)
                else:
                    i.add_func(f"{_CONTEXT}set-input", set_input)
                    i.add_func(f"{_CONTEXT}compute", compute)
                    i.add_func(f"{_CONTEXT}get-output", get_output)
            with root.add_instance(f"{PACKAGE}/graph@{version}") as i:
                i.add_resource("graph", components.ResourceType.host(_GRAPH), drop)
                i.add_func("[method]graph.init-execution-context", init)
                i.add_func(
                    "load-by-name",
                    lambda s, name: components.Variant("ok", self._put(_GRAPH, "graph")),
                )

    def _computed(self, inputs: dict[str, Tensor]) -> dict[str, Tensor] | str:
        """The outputs by name, or what is wrong."""
        if inputs.keys() != {"a", "b"}:
            return f"inputs {' '.join(sorted(inputs))}"
        for dimensions, kind, data in inputs.values():
            assert (dimensions, kind, len(data)) == ([1], "U8", 1)
        a, b = inputs["a"][2][0], inputs["b"][2][0]
        results = ([1], "U8", bytes([a + b])), ([1], "U8", bytes([a]))
        return dict(zip(self.outputs, results, strict=False))


def _part(item: Callable[..., Any], at: int) -> Callable[..., object]:
    return lambda store, tensor: item(store, tensor)[at]


class Program:
    """A program on a host, whose functions are called by name. Each memory has at most a page."""

    def __init__(self, data: bytes, host: Host) -> None:
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        self.store.set_limits(memory_size=65536)
        linker = components.Linker(engine)
        host.define(linker)
        self.instance = linker.instantiate(self.store, components.Component(engine, data))

    def call(self, name: str, *arguments: int | str) -> int | str | None:
        """Letters stand for their codes."""
        function = self.instance.get_func(self.store, name)
        assert function is not None
        given = [ord(each) if isinstance(each, str) else each for each in arguments]
        result: int | str | None = function(self.store, *given)
        function.post_return(self.store)
        return result
