"""set_input and get_output without a host call, for tensors that a guest uses again and again.

A host call and finding the guest's memory take Python longer than a small tensor takes to copy. So
two small modules stand between the guest and the host. The guest imports its functions from the
first, in which set_input and get_output go through a table that leads to the host. The second can
be instantiated once the guest is there, as it imports the guest's memory; it puts functions of its
own into that table. They copy a tensor that has an entry in the arena
(runtime_shim.host.shared_tensors), and leave everything else, errors too, to the host.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import wasmtime

from rewriter.abi.dialects import (
    TENSOR,
    WAMR_DIMENSIONS,
    WAMR_OUTPUT_UNIT,
    WAMR_TENSOR,
    Dialect,
)
from runtime_shim.abi.memory import view_of
from runtime_shim.engine.binding import Escape, StoreLife, definitions, instantiate
from runtime_shim.engine.host_functions import define
from runtime_shim.host.session import Session
from runtime_shim.host.shared_tensors import (
    BYTES_AT,
    ENTRIES,
    INPUT_SIZE,
    LENGTH_AT,
    OUTPUT_SIZE,
    OUTPUTS_AT,
    STEP,
    Arena,
)

__all__ = ["Connection"]

log = logging.getLogger("runtime_shim")

_PAGES = 4096
"""Of the arena, 256 MiB: address space, of which the system gives memory to what is written. A
memory that cannot grow never moves."""

_REPLACED = ("set_input", "get_output")


class Connection:
    """A guest's wasi-nn functions, and then the guest. The embedder's linker stays as it is: what
    is made here can serve one instance only. All raise wasmtime.WasmtimeError."""

    def __init__(
        self,
        linker: wasmtime.Linker,
        store: wasmtime.Store,
        module: wasmtime.Module,
        session: Session,
        dialects: Mapping[str, Dialect],
        escape: Escape,
    ) -> None:
        """Make the functions for each module name that `dialects` has, in that dialect. They go
        before those of the linker. What they raise goes to `escape`."""
        self.escape = escape
        self._store = store
        self._module = module
        self._session = session
        used = [item.module for item in module.imports if item.name in _REPLACED]
        name = next((name for name in dialects if name in used), None)
        needs_arena = name is not None and not session.has_arena
        self._arena = _new_memory(store) if needs_arena else None
        if self._arena is None:
            name = None
        own = wasmtime.Linker(store.engine)
        define(
            own, session, {each: dialects[each] for each in dialects if each != name}, self.escape
        )
        self._dialect = dialects[name] if name is not None else None
        if name is not None and self._dialect is not None:
            self._host = wasmtime.Linker(store.engine)
            define(self._host, session, {"host": self._dialect}, self.escape, remember_memory=True)
            first = _compiled(store.engine, _first_module(self._dialect))
            self._calls = self._instance(self._host, first)
            exports = self._calls.exports(store)
            for function in self._dialect.functions:
                own.define(store, name, function, exports[function])
        self._definitions = definitions(store, module, own, linker)

    @property
    def missing(self) -> list[int]:
        """Which imports no one defines, by their place among all."""
        return [place for place, found in enumerate(self._definitions) if found is None]

    def instantiate(self) -> wasmtime.Instance:
        """Instantiate the guest with these functions and what is in the linker. What host calls
        of its start function raise is raised."""
        instance = instantiate(self._store, self._module, self._definitions, self.escape)
        if self._dialect is not None and self._arena is not None:
            self._take_calls(instance, self._dialect, self._arena)
        return instance

    def _take_calls(
        self, guest: wasmtime.Instance, dialect: Dialect, arena: wasmtime.Memory
    ) -> None:
        """Unless there is a memory of the usual kind, exported as "memory", and an engine that can
        have the second module, calls stay with the host."""
        store = self._store
        memory = guest.exports(store).get("memory")
        if not isinstance(memory, wasmtime.Memory):
            return
        try:
            self._host.define(store, "guest", "memory", memory)
            self._host.define(store, "arena", "memory", arena)
            self._host.define_instance(store, "calls", self._calls)
            self._instance(self._host, _compiled(store.engine, _second_module(dialect)))
        except wasmtime.WasmtimeError as error:
            log.info("every tensor takes a host call: %s", error)
            return
        start = ctypes.addressof(arena.data_ptr(store).contents)
        view = view_of(start, arena.data_len(store))
        self._session.use_arena(Arena(view, dialect), StoreLife(store))

    def _instance(self, linker: wasmtime.Linker, module: wasmtime.Module) -> wasmtime.Instance:
        found = definitions(self._store, module, linker)
        return instantiate(self._store, module, found, self.escape)


def _new_memory(store: wasmtime.Store) -> wasmtime.Memory | None:
    """The arena's, None where there is no room for it."""
    try:
        return wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(_PAGES, _PAGES)))
    except wasmtime.WasmtimeError as error:
        log.info("every tensor takes a host call: %s", error)
        return None


def _compiled(engine: wasmtime.Engine, text: str) -> wasmtime.Module:
    modules = _MODULES.setdefault(engine, {})
    if text not in modules:
        modules[text] = wasmtime.Module(engine, text)
    return modules[text]


_MODULES: WeakKeyDictionary[wasmtime.Engine, dict[str, wasmtime.Module]] = WeakKeyDictionary()


def _first_module(dialect: Dialect) -> str:
    imports, rest = [], []
    for name, parameters in dialect.functions.items():
        function_type = _function_type(dialect, name)
        imports.append(f'(import "host" "{name}" (func ${name} {function_type}))')
        if name not in _REPLACED:
            rest.append(f'(export "{name}" (func ${name}))')
            continue
        arguments = " ".join(f"(local.get {index})" for index in range(len(parameters)))
        place = f"(i32.const {_REPLACED.index(name)})"
        call = f"(call_indirect $calls {function_type} {arguments} {place})"
        rest.append(f'(func (export "{name}") {function_type} {call})')
    table = '(table $calls (export "table") funcref (elem $set_input $get_output))'
    return f"(module {' '.join(imports)} {table} {' '.join(rest)})"


def _second_module(dialect: Dialect) -> str:
    imports = [
        f'(import "host" "{name}" (func $host_{name} {_function_type(dialect, name)}))'
        for name in _REPLACED
    ]
    adapted = f"{dialect.implementation} {dialect.layout}"
    set_input, get_output = _TEXTS.get(adapted) or _TEXTS[dialect.layout]
    return f"(module {' '.join(imports)} {_COMMON} {set_input} {get_output})"


def _function_type(dialect: Dialect, name: str) -> str:
    return f"(param {'i32 ' * len(dialect.functions[name])}) (result i32)"


_COMMON = f"""
(import "calls" "table" (table 2 2 funcref))
(import "guest" "memory" (memory $guest 0))
(import "arena" "memory" (memory $arena {_PAGES} {_PAGES}))
(export "memory" (memory $guest))
(elem (i32.const 0) func $set_input $get_output)

;; Whether a range is inside the guest's memory.
(func $inside (param $pointer i32) (param $length i32) (result i32)
  (i64.le_u
    (i64.add (i64.extend_i32_u (local.get $pointer)) (i64.extend_i32_u (local.get $length)))
    (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16))))

;; The number of a tensor's entry.
(func $place (param $context i32) (param $index i32) (result i32)
  (i32.rem_u
    (i32.add (i32.mul (local.get $context) (i32.const {STEP})) (local.get $index))
    (i32.const {ENTRIES})))

;; Whether an entry is that of a tensor. No context has the number 0, and empty entries have it.
(func $is_of (param $entry i32) (param $context i32) (param $index i32) (result i32)
  (i32.and
    (i32.ne (local.get $context) (i32.const 0))
    (i32.and
      (i32.eq (i32.load $arena (local.get $entry)) (local.get $context))
      (i32.eq (i32.load $arena offset=4 (local.get $entry)) (local.get $index)))))

;; Whether the tensor of an entry has these dimensions.
(func $same_shape (param $entry i32) (param $dimensions i32) (param $rank i32) (result i32)
  (if (i32.ne (i32.load $arena offset=12 (local.get $entry)) (local.get $rank))
    (then (return (i32.const 0))))
  (if (i32.eqz (call $inside (local.get $dimensions) (i32.mul (local.get $rank) (i32.const 4))))
    (then (return (i32.const 0))))
  (loop $next
    (if (i32.eqz (local.get $rank)) (then (return (i32.const 1))))
    (if (i32.eq (i32.load $guest (local.get $dimensions))
                (i32.load $arena offset=16 (local.get $entry)))
      (then
        (local.set $rank (i32.sub (local.get $rank) (i32.const 1)))
        (local.set $dimensions (i32.add (local.get $dimensions) (i32.const 4)))
        (local.set $entry (i32.add (local.get $entry) (i32.const 4)))
        (br $next))))
  (i32.const 0))

;; Copy a tensor in from `data`, if it is inside the guest's memory.
(func $copied (param $entry i32) (param $data i32) (result i32)
  (local $size i32)
  (local.set $size (i32.load $arena offset={LENGTH_AT} (local.get $entry)))
  (if (i32.eqz (call $inside (local.get $data) (local.get $size)))
    (then (return (i32.const 0))))
  (memory.copy $arena $guest
    (i32.load $arena offset={BYTES_AT} (local.get $entry))
    (local.get $data) (local.get $size))
  (i32.const 1))

(func $input_entry (param $context i32) (param $index i32) (result i32)
  (i32.mul (call $place (local.get $context) (local.get $index)) (i32.const {INPUT_SIZE})))

(func $output_entry (param $context i32) (param $index i32) (result i32)
  (i32.add
    (i32.const {OUTPUTS_AT})
    (i32.mul (call $place (local.get $context) (local.get $index)) (i32.const {OUTPUT_SIZE}))))
"""

_SET_INPUT = """
(func $set_input (param $context i32) (param $index i32) (param $tensor i32) (result i32)
  (local $entry i32) (local $dimensions i32)
  (local.set $entry (call $input_entry (local.get $context) (local.get $index)))
  (block $host
    (br_if $host (i32.eqz
      (call $is_of (local.get $entry) (local.get $context) (local.get $index))))
    (br_if $host (i32.eqz (call $inside (local.get $tensor) (i32.const {size}))))
    (br_if $host (i32.ne
      (i32.load8_u $guest offset={type} (local.get $tensor))
      (i32.load $arena offset=8 (local.get $entry))))
    {checks}
    (br_if $host (i32.eqz
      (call $copied (local.get $entry) (i32.load $guest offset={data} (local.get $tensor)))))
    (return (i32.const 0)))
  (call $host_set_input (local.get $context) (local.get $index) (local.get $tensor)))
"""

_WITX_SET_INPUT = _SET_INPUT.format(
    size=TENSOR.size,
    type=8,
    data=12,
    checks=f"""
    (br_if $host (i32.ne
      (i32.load $guest offset=16 (local.get $tensor))
      (i32.load $arena offset={LENGTH_AT} (local.get $entry))))
    (br_if $host (i32.eqz (call $same_shape
      (local.get $entry)
      (i32.load $guest (local.get $tensor)) (i32.load $guest offset=4 (local.get $tensor)))))
    """,
)

_WAMR_SET_INPUT = _SET_INPUT.format(
    size=WAMR_TENSOR.size,
    type=4,
    data=8,
    checks=f"""
    (local.set $dimensions (i32.load $guest (local.get $tensor)))
    (br_if $host (i32.eqz
      (call $inside (local.get $dimensions) (i32.const {WAMR_DIMENSIONS.size}))))
    (br_if $host (i32.eqz (call $same_shape
      (local.get $entry)
      (i32.load $guest (local.get $dimensions))
      (i32.load $guest offset=4 (local.get $dimensions)))))
    """,
)

_WITX_GET_OUTPUT = """
(func $get_output (param $context i32) (param $index i32) (param $out_buffer i32)
    (param $out_buffer_max_size i32) (param $written_out i32) (result i32)
  (local $entry i32) (local $size i32)
  (local.set $entry (call $output_entry (local.get $context) (local.get $index)))
  (block $host
    (br_if $host (i32.eqz
      (call $is_of (local.get $entry) (local.get $context) (local.get $index))))
    (local.set $size (i32.load $arena offset=8 (local.get $entry)))
    (br_if $host (i32.gt_u (local.get $size) (local.get $out_buffer_max_size)))
    (br_if $host (i32.eqz
      (call $inside (local.get $out_buffer) (local.get $out_buffer_max_size))))
    (br_if $host (i32.eqz (call $inside (local.get $written_out) (i32.const 4))))
    (memory.copy $guest $arena
      (local.get $out_buffer) (i32.load $arena offset=12 (local.get $entry)) (local.get $size))
    (i32.store $guest (local.get $written_out) (local.get $size))
    (return (i32.const 0)))
  (call $host_get_output (local.get $context) (local.get $index) (local.get $out_buffer)
    (local.get $out_buffer_max_size) (local.get $written_out)))
"""

_COUNTED_GET_OUTPUT = f"""
(func $get_output (param $context i32) (param $index i32) (param $out_buffer i32)
    (param $size_inout i32) (result i32)
  (local $entry i32) (local $size i32) (local $count i32)
  (local.set $entry (call $output_entry (local.get $context) (local.get $index)))
  (block $host
    (br_if $host (i32.eqz
      (call $is_of (local.get $entry) (local.get $context) (local.get $index))))
    (br_if $host (i32.eqz (call $inside (local.get $size_inout) (i32.const 4))))
    (local.set $size (i32.load $arena offset=8 (local.get $entry)))
    (local.set $count (i32.div_u
      (i32.add (local.get $size) (i32.const {WAMR_OUTPUT_UNIT - 1}))
      (i32.const {WAMR_OUTPUT_UNIT})))
    @ROOM@
    (br_if $host (i32.eqz (call $inside (local.get $out_buffer) (local.get $size))))
    (memory.copy $guest $arena
      (local.get $out_buffer) (i32.load $arena offset=12 (local.get $entry)) (local.get $size))
    (i32.store $guest (local.get $size_inout) (local.get $count))
    (return (i32.const 0)))
  (call $host_get_output (local.get $context) (local.get $index) (local.get $out_buffer)
    (local.get $size_inout)))
"""

_WAMR_GET_OUTPUT = _COUNTED_GET_OUTPUT.replace(
    "@ROOM@",
    "(br_if $host (i32.gt_u (local.get $count) (i32.load $guest (local.get $size_inout))))",
)

_ADAPTED_GET_OUTPUT = _COUNTED_GET_OUTPUT.replace(
    "@ROOM@",
    f"""
    (br_if $host (i32.rem_u (local.get $size) (i32.const {WAMR_OUTPUT_UNIT})))
    (br_if $host (i32.gt_u (local.get $size) (i32.load $guest (local.get $size_inout))))
    """,
)
"""Where the room is in bytes: see runtime_shim.abi.adapted."""

_TEXTS: Mapping[str, tuple[str, str]] = {
    "witx": (_WITX_SET_INPUT, _WITX_GET_OUTPUT),
    "wamr": (_WAMR_SET_INPUT, _WAMR_GET_OUTPUT),
    "adapted wamr": (_WAMR_SET_INPUT, _ADAPTED_GET_OUTPUT),
}
"""By layout, after the implementation where it is another one."""
