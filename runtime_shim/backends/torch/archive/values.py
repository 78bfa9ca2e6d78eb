"""Values in TorchScript's pickles, and whether they fit the types that the code declares.

PyTorch puts values into an object's slots without checking their types, and later finds an
attribute by the index of its slot. In an object of the wrong class, it would read past the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from runtime_shim.backends.torch.archive.operators import is_allowed_class
from runtime_shim.backends.torch.archive.types import Class, Type
from runtime_shim.guest_text import quoted

__all__ = [
    "Container",
    "Enumerated",
    "Global",
    "Object",
    "Opaque",
    "Storage",
    "Tensor",
    "Tuple",
    "Value",
    "depth_of",
    "enumerated",
    "fits",
    "has_objects",
]

_DEEPEST = 200
"""Maximum nesting of values, which PyTorch frees recursively."""


class Global(NamedTuple):
    """A name that stands for a function that makes a value."""

    name: str


class Opaque(NamedTuple):
    """A value of a type that needs no further check: complex, Device, a number that stands for a
    storage's type or a quantization."""

    type: str
    text: str = ""


class Enumerated(NamedTuple):
    """A value of an enum of the model, by the enum's full name."""

    name: str


class Storage:
    """Memory for elements of a type, in a record of the archive."""

    def __init__(self, record: str, kind: str, count: int) -> None:
        self.record = record
        self.kind = kind
        self.count = count


class Tensor:
    """A view of a storage."""

    def __init__(self, kind: str, shape: tuple[int, ...]) -> None:
        self.kind = kind
        self.shape = shape


class Tuple:
    """A tuple, an object of a class (`name`), or its arguments before it is made."""

    def __init__(self, items: tuple[Value, ...], name: str = "") -> None:
        self.items = items
        self.name = name
        self.type: Type | None = None
        self.depth = _depth(items)
        self.objects = any(map(has_objects, items))

    def fits(
        self, type_: Type, parts: tuple[Type | None, ...], classes: Mapping[str, Class]
    ) -> bool:
        """Whether the items have the types of a tuple's parts. Checked only once for each type."""
        if self.type is not type_:
            if self.name or not _all_fit(self.items, parts, classes):
                return False
            self.type = type_
        return True


class Object:
    """An object of a class, by its full name. Its contents have been checked."""

    def __init__(self, name: str, depth: int, packed: bool) -> None:
        self.name = name
        self.depth = depth
        self.objects = not packed


class Container:
    """A list, or a dictionary with alternating keys and values. It is filled once, before anything
    else can refer to it, so it cannot contain itself. `type` is the type that PyTorch was told."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.items: tuple[Value, ...] | None = None
        self.type: Type | None = None
        self.depth = 1
        self.objects = False

    def fill(self, items: tuple[Value, ...]) -> None:
        self.items = items
        self.depth = _depth(items)
        self.objects = any(map(has_objects, items))


Value = (
    None
    | bool
    | int
    | float
    | str
    | Global
    | Opaque
    | Enumerated
    | Storage
    | Tensor
    | Tuple
    | Object
    | Container
)

_SCALARS: Mapping[str, type] = {
    "NoneType": type(None),
    "None": type(None),
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
}


def _depth(items: Iterable[Value]) -> int:
    depth = 1 + max(map(depth_of, items), default=0)
    if depth > _DEEPEST:
        raise ValueError("values are nested too deeply")
    return depth


def depth_of(value: Value) -> int:
    return value.depth if isinstance(value, (Tuple, Object, Container)) else 0


def has_objects(value: Value) -> bool:
    """Whether a value contains an object of a class or enum of the model."""
    if isinstance(value, Enumerated):
        return True
    return isinstance(value, (Tuple, Object, Container)) and value.objects


def enumerated(name: str, value: Value, classes: Mapping[str, Class]) -> Enumerated:
    """A value of an enum. Raises ValueError for one that the enum does not declare."""
    values = classes[name].values.values()
    if not any(type(value) is type(each) and value == each for each in values):
        raise ValueError(f"{name} does not have the value {quoted(value)}")
    return Enumerated(name)


def fits(value: Value, type_: Type | None, classes: Mapping[str, Class]) -> bool:
    """Whether a value has a type. A container that fits keeps that type from then on."""
    if type_ is None:
        return False
    name, inner = type_
    if name == "Any":
        return not isinstance(value, Storage)
    if name in _SCALARS:
        return type(value) is _SCALARS[name]
    if name == "Tensor":
        return isinstance(value, Tensor)
    if name in ("Scalar", "number"):
        return type(value) in (int, float) or fits(value, Type("complex"), classes)
    if name in ("complex", "Device"):
        return isinstance(value, Opaque) and value.type == name
    if name == "Optional":
        return value is None or (len(inner) == 1 and fits(value, inner[0], classes))
    if name == "Union":
        return any(fits(value, part, classes) for part in inner)
    if name == "Tuple":
        return isinstance(value, Tuple) and value.fits(type_, inner, classes)
    if name in ("List", "Dict"):
        return isinstance(value, Container) and _container_fits(value, type_, classes)
    return _is_of_class(value, type_, classes)


def _all_fit(
    items: tuple[Value, ...], types: tuple[Type | None, ...], classes: Mapping[str, Class]
) -> bool:
    return len(items) == len(types) and all(
        fits(item, type_, classes) for item, type_ in zip(items, types, strict=True)
    )


def _container_fits(value: Container, type_: Type, classes: Mapping[str, Class]) -> bool:
    if value.kind != type_.name or len(type_.inner) != (1 if type_.name == "List" else 2):
        return False
    if value.type == type_:
        return True
    if value.type is not None and (value.type.names_a_class() or type_.names_a_class()):
        return False
    items = value.items or ()
    count = len(items) // len(type_.inner)
    if count and not _all_fit(items, type_.inner * count, classes):
        return False
    value.type = type_
    return True


def _is_of_class(value: Value, type_: Type, classes: Mapping[str, Class]) -> bool:
    name = type_.name
    declared = classes.get(name)
    if declared is None:
        packed = name.startswith("__torch__.torch.classes.") and is_allowed_class(name)
        return packed and isinstance(value, Object) and value.name == name
    if declared.base == "NamedTuple":
        fields = tuple(declared.attributes.values())
        return isinstance(value, Tuple) and value.fits(type_, fields, classes)
    if declared.base == "Enum":
        return isinstance(value, Enumerated) and value.name == name
    if not isinstance(value, Object):
        return False
    if declared.base in ("Interface", "ModuleInterface"):
        theirs = classes.get(value.name)
        return theirs is not None and declared.methods.items() <= theirs.methods.items()
    return value.name == name and declared.base in ("", "Module")
