"""TorchScript's pickles, checked before PyTorch reads them: data.pkl and constants.pkl of an
archive.

A pickle is a program for a stack machine. PyTorch's machine supports only what PyTorch writes, but
trusts what a pickle says: how many elements a storage has, and where in it a tensor is. This
machine accepts what PyTorch writes, in the same order, and makes no tensors.

https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/serialization/unpickler.cpp
https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/serialization/pickler.cpp
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from runtime_shim.backends.torch.archive.operators import CLASSES
from runtime_shim.backends.torch.archive.tensors import (
    LAYOUTS,
    QUANTIZATIONS,
    Records,
    quantized,
    tensor,
)
from runtime_shim.backends.torch.archive.types import Class, Type, parse_type
from runtime_shim.backends.torch.archive.values import (
    Container,
    Global,
    Object,
    Opaque,
    Tuple,
    Value,
    depth_of,
    enumerated,
    fits,
    has_objects,
)
from runtime_shim.guest_text import quoted

__all__ = ["read_pickle"]

_NAME = re.compile(r"[A-Za-z_][\w.]* [A-Za-z_]\w*", re.ASCII)

_TAG = "torch.jit._pickle restore_type_tag"

_LISTS: Mapping[str, Type] = MappingProxyType(
    {
        "torch.jit._pickle build_boollist": Type("List", (Type("bool"),)),
        "torch.jit._pickle build_doublelist": Type("List", (Type("float"),)),
        "torch.jit._pickle build_intlist": Type("List", (Type("int"),)),
        "torch.jit._pickle build_tensorlist": Type("List", (Type("Tensor"),)),
    }
)


def read_pickle(
    data: bytes, folder: str, sizes: Mapping[str, int], classes: Mapping[str, Class]
) -> Value:
    """The contents of a pickle whose tensors are in the records of a folder. `sizes` has the size
    of each record in bytes, by name.

    Raises ValueError for what PyTorch does not write, and for contents that do not fit the records
    or the classes' declarations.
    """
    machine = _Machine(Records(folder, sizes), classes)
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                return machine.result()
            machine.step(opcode.name, argument)
    except (IndexError, TypeError, RecursionError) as error:
        raise ValueError(f"a pickle is truncated: {error}") from error
    raise ValueError("a pickle has no end")


class _Machine:
    def __init__(self, records: Records, classes: Mapping[str, Class]) -> None:
        self._records = records
        self._classes = classes
        self._stack: list[Value] = []
        self._marks: list[int] = []
        self._memo: list[Value] = []
        self._started = False

    def result(self) -> Value:
        (value,) = self._stack
        if self._marks:
            raise ValueError("a pickle ends inside brackets")
        return value

    def step(self, name: str, argument: Any) -> None:
        if not self._started:
            if (name, argument) != ("PROTO", 2):
                raise ValueError("a pickle does not use protocol 2")
            self._started = True
            return
        if name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in ("BININT", "BININT1", "BININT2", "BINFLOAT", "BINUNICODE"):
            self._stack.append(argument)
        elif name in _STEPS:
            _STEPS[name](self, argument)
        else:
            raise ValueError(f"a pickle has the opcode {name}, which PyTorch does not write")

    def _long(self, value: int) -> None:
        if -(1 << 31) <= value < 1 << 31:
            raise ValueError("a pickle encodes a short number in a long form")
        self._stack.append(value)

    def _pop(self) -> Value:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise ValueError("a pickle reads a value that it has not stored")
        return self._stack.pop()

    def _popped(self) -> tuple[Value, ...]:
        """The values above the last mark."""
        start = self._marks.pop()
        items = tuple(self._stack[start:])
        del self._stack[start:]
        return items

    def _mark(self, _: Any) -> None:
        self._marks.append(len(self._stack))

    def _tuple(self, _: Any) -> None:
        self._stack.append(Tuple(self._popped()))

    def _short_tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._stack.append(Tuple(tuple(reversed(items))))

    def _empty(self, kind: str) -> None:
        self._stack.append(Container(kind))

    def _fill(self, kind: str) -> None:
        items = self._popped()
        container = self._pop()
        if not isinstance(container, Container) or container.kind != kind:
            raise ValueError("a pickle adds items to a value that is not a list or dictionary")
        if container.items is not None:
            raise ValueError("a pickle fills a list or dictionary twice")
        if kind == "Dict" and len(items) % 2:
            raise ValueError("a pickle has a key without a value")
        container.fill(items)
        self._stack.append(container)

    def _put(self, number: int) -> None:
        value = self._stack[-1]
        if number != len(self._memo):
            raise ValueError("a pickle stores a value under another number than the next one")
        if isinstance(value, Container) and value.items is None:
            raise ValueError("a pickle stores a list or dictionary before it is filled")
        self._memo.append(value)

    def _get(self, number: int) -> None:
        self._stack.append(self._memo[number])

    def _global(self, name: str) -> None:
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"a pickle contains the invalid name {quoted(name)}")
        if name in LAYOUTS:
            self._stack.append(Opaque("storage", name))
        elif name in QUANTIZATIONS:
            self._stack.append(Opaque("quantization", name))
        elif name in (*_MAKERS, *_LISTS, _TAG) or self._class_of(name) or self._enum_of(name):
            self._stack.append(Global(name))
        else:
            raise ValueError(f"a pickle names {quoted(name)}, which is not allowed in a model")

    def _class_of(self, name: str) -> str:
        """The full name of a class; "" if objects of it cannot be made."""
        full = name.replace(" ", ".")
        declared = self._classes.get(full)
        made = declared.base in ("", "Module") if declared else full in CLASSES
        return full if made else ""

    def _enum_of(self, name: str) -> str:
        """The full name of an enum that the code declares; "" if it is not one."""
        full = name.replace(" ", ".")
        declared = self._classes.get(full)
        return full if declared and declared.base == "Enum" else ""

    def _new(self, _: Any) -> None:
        arguments, made = self._pop(), self._pop()
        if not (isinstance(arguments, Tuple) and not arguments.items and not arguments.name):
            raise ValueError("a pickle makes an object with arguments")
        if not (isinstance(made, Global) and self._class_of(made.name)):
            raise ValueError("a pickle makes an object without a class")
        self._stack.append(Tuple((), self._class_of(made.name)))

    def _build(self, _: Any) -> None:
        state, made = self._pop(), self._pop()
        if not (isinstance(made, Tuple) and made.name):
            raise ValueError("a pickle sets the state of a value that is not an object")
        declared = self._classes.get(made.name)
        packed = declared is None
        if declared is None or declared.restores_itself:
            if has_objects(state):
                raise ValueError(f"an object of {made.name} is restored from other objects")
        else:
            self._check_attributes(made.name, declared, state)
        self._stack.append(Object(made.name, depth_of(state) + 1, packed))

    def _check_attributes(self, name: str, declared: Class, state: Value) -> None:
        if not isinstance(state, Container) or state.kind != "Dict":
            raise ValueError(f"an object of {name} has invalid attributes")
        items = state.items or ()
        given = dict(zip(items[::2], items[1::2], strict=True))
        if len(given) * 2 != len(items):
            raise ValueError(f"an object of {name} has an attribute twice")
        for attribute, type_ in declared.attributes.items():
            if attribute not in given or not fits(given[attribute], type_, self._classes):
                raise ValueError(
                    f"the attribute {quoted(attribute)} of {name} is not of type {type_}"
                )

    def _reduce(self, _: Any) -> None:
        arguments, made = self._pop(), self._pop()
        if isinstance(made, Global) and self._enum_of(made.name):
            self._stack.append(enumerated(self._enum_of(made.name), arguments, self._classes))
            return
        if not isinstance(made, Global) or not isinstance(arguments, Tuple) or arguments.name:
            raise ValueError("a pickle calls a value that is not a function")
        name = made.name
        if name in _LISTS:
            (value,) = arguments.items
            if not fits(value, _LISTS[name], self._classes):
                raise ValueError(f"a list is not of type {_LISTS[name]}")
            self._stack.append(value)
        elif name == _TAG:
            value, text = arguments.items
            if not isinstance(text, str) or not fits(value, parse_type(text), self._classes):
                raise ValueError(f"a value is not of type {text}")
            self._stack.append(value)
        elif name in _MAKERS:
            self._stack.append(_MAKERS[name](*arguments.items))
        else:
            raise ValueError(f"a pickle calls {name}, which is not allowed")

    def _persistent(self, _: Any) -> None:
        arguments = self._pop()
        if not isinstance(arguments, Tuple) or arguments.name:
            raise ValueError("a storage must be described by a tuple")
        self._stack.append(self._records.storage(*arguments.items))


def _complex(real: Value, imaginary: Value) -> Value:
    if type(real) is not float or type(imaginary) is not float:
        raise ValueError("a complex number must consist of two numbers")
    return Opaque("complex")


def _device(name: Value) -> Value:
    if not isinstance(name, str):
        raise ValueError("a device has no name")
    return Opaque("Device")


def _no_hooks() -> Value:
    return None


_CONSTANTS: Mapping[str, Value] = MappingProxyType(
    {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": Tuple(())}
)

_MAKERS: Mapping[str, Callable[..., Value]] = MappingProxyType(
    {
        "builtins complex": _complex,
        "collections OrderedDict": _no_hooks,
        "torch device": _device,
        "torch._utils _rebuild_qtensor": quantized,
        "torch._utils _rebuild_tensor_v2": tensor,
    }
)

_STEPS: Mapping[str, Callable[[_Machine, Any], None]] = MappingProxyType(
    {
        "APPENDS": lambda machine, _: machine._fill("List"),
        "BINGET": _Machine._get,
        "BINPERSID": _Machine._persistent,
        "BINPUT": _Machine._put,
        "BUILD": _Machine._build,
        "EMPTY_DICT": lambda machine, _: machine._empty("Dict"),
        "EMPTY_LIST": lambda machine, _: machine._empty("List"),
        "GLOBAL": _Machine._global,
        "LONG1": _Machine._long,
        "LONG_BINGET": _Machine._get,
        "LONG_BINPUT": _Machine._put,
        "MARK": _Machine._mark,
        "NEWOBJ": _Machine._new,
        "REDUCE": _Machine._reduce,
        "SETITEMS": lambda machine, _: machine._fill("Dict"),
        "TUPLE": _Machine._tuple,
        "TUPLE1": lambda machine, _: machine._short_tuple(1),
        "TUPLE2": lambda machine, _: machine._short_tuple(2),
        "TUPLE3": lambda machine, _: machine._short_tuple(3),
    }
)
