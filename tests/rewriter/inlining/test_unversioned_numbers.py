"""Numbers of encodings, types and errors that shims pass on for forms without a version."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import wasmtime
from wasmtime import Engine, Instance, Linker, Module, Store

from rewriter.abi.snapshots import (
    ERRORS_WITHOUT_GGML,
    FIRST_RESOURCES,
    FIVE_TYPES,
    NAMED_RECORDS,
    RECORDS,
    RESOURCES,
    Snapshot,
)
from rewriter.inlining.shims.unversioned import make_unversioned
from tests.support.wasm import assemble

GUEST = assemble("""(module (memory (export "memory") 1)
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024))""")
AREA = 64
"""Where results are."""


class Shimmed:
    """A shim whose host does nothing but what `functions` do by name; others return 0. `calls` has
    the arguments of each call."""

    def __init__(self, form: Snapshot, **functions: Callable[..., int | None]) -> None:
        self.calls: dict[str, tuple[int, ...]] = {}
        shim = make_unversioned(form, {}, {})
        engine = Engine()
        self.store, linker = Store(engine), Linker(engine)
        self.guest = Instance(self.store, Module(engine, GUEST), []).exports(self.store)
        for name in ("memory", "realloc"):
            linker.define(self.store, "guest", name, self.guest[name])
        for data, title in ((shim.early, "early"), (shim.late, "late")):
            module = Module(engine, data)
            for item in module.imports:
                if item.module == "host":
                    self._define(linker, item, functions)
            instance = linker.instantiate(self.store, module)
            linker.define_instance(self.store, title, instance)
        self.exports = instance.exports(self.store)

    def _define(
        self,
        linker: Linker,
        item: wasmtime.ImportType,
        functions: dict[str, Callable[..., int | None]],
    ) -> None:
        type_, name = item.type, str(item.name).removeprefix("$host_")
        assert isinstance(type_, wasmtime.FuncType)

        def call(*arguments: int) -> int | None:
            self.calls[name] = arguments
            found = functions.get(name)
            given = found(*arguments) if found is not None else 0
            return given if type_.results else None

        linker.define_func("host", str(item.name), type_, call)

    def call(self, name: str, *arguments: int) -> None:
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        function(self.store, *arguments)

    def write(self, data: bytes) -> None:
        """Write a result of the host's."""
        memory = self.guest["memory"]
        assert isinstance(memory, wasmtime.Memory)
        memory.write(self.store, data, AREA)

    def result(self, size: int) -> bytes:
        memory = self.guest["memory"]
        assert isinstance(memory, wasmtime.Memory)
        return bytes(memory.read(self.store, AREA, AREA + size))


NO_GGML = (FIVE_TYPES, RECORDS, NAMED_RECORDS, FIRST_RESOURCES, ERRORS_WITHOUT_GGML)


@pytest.mark.parametrize("form", [*NO_GGML, RESOURCES], ids=str)
def test_an_encoding_has_its_number_for_the_host(form: Snapshot) -> None:
    numbers = range(7) if form is RESOURCES else (0, 1, 2, 3, 4, 6)
    shim = Shimmed(form)
    for number, expected in enumerate(numbers):
        shim.call("graph#load", 0, 0, number, 2, AREA)
        assert shim.calls["load"] == (0, 0, expected, 2, AREA)
    with pytest.raises(wasmtime.Trap, match="unreachable"):
        shim.call("graph#load", 0, 0, len(numbers), 2, AREA)


@pytest.mark.parametrize("form", [FIVE_TYPES, RECORDS, NAMED_RECORDS], ids=str)
def test_a_records_type_has_its_number_for_the_host(form: Snapshot) -> None:
    numbers = (0, 1, 3, 4, 5) if form is FIVE_TYPES else range(7)
    key = (8, 1) if form is NAMED_RECORDS else (3,)
    shim = Shimmed(form)
    for number, expected in enumerate(numbers):
        shim.call("inference#set-input", 5, *key, 16, 2, number, 24, 4, AREA)
        assert shim.calls["tensor_new"] == (16, 2, expected, 24, 4)
    with pytest.raises(wasmtime.Trap, match="unreachable"):
        shim.call("inference#set-input", 5, *key, 16, 2, len(numbers), 24, 4, AREA)


@pytest.mark.parametrize("form", [FIVE_TYPES, FIRST_RESOURCES, RESOURCES], ids=str)
@pytest.mark.parametrize("code", range(9))
def test_an_error_becomes_its_number_and_is_dropped(form: Snapshot, code: int) -> None:
    shim = Shimmed(
        form,
        error_code=lambda _: code,
        load_by_name=lambda *_: shim.write(b"\1\xee\xee\xee\x07\0\0\0"),
    )
    shim.call("graph#load-by-name", 0, 1, AREA)
    assert shim.result(5)[:: len(b"\1\xee\xee\xee")] == bytes((1, code if code < 7 else 3))
    assert shim.calls["error_drop"] == (7,)


@pytest.mark.parametrize("form", [RECORDS, RESOURCES], ids=str)
def test_a_result_without_a_value_takes_two_bytes(form: Snapshot) -> None:
    shim = Shimmed(form)
    shim.write(b"\xee" * 8)
    name = "compute" if form is RECORDS else "[method]graph-execution-context.compute"
    shim.call(f"inference#{name}", 5, AREA)
    assert shim.result(8)[:1] + shim.result(8)[2:] == b"\0" + b"\xee" * 6
