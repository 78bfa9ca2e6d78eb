"""A model in the making, of which a seed chooses what is not said: shapes, values, and whether
dimensions are free, 0, and operands constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.support.tflite_models import Graph, Operator, Tensor, build_graphs, schema

__all__ = ["F32", "I8", "I16", "I32", "I64", "Q8", "Q16", "QU8", "U8", "Case", "Draft", "Kind"]

FIRST_VERSIONS = {"BROADCAST_TO": 2}
"""Of operators that LiteRT has in no first one."""

RESOURCE = schema.TensorType.RESOURCE


@dataclass(frozen=True)
class Kind:
    """A type of elements, quantised or not."""

    dtype: npt.DTypeLike
    scale: float = 0.0
    zero_point: int = 0


F32, F16, F64 = Kind(np.float32), Kind(np.float16), Kind(np.float64)
I8, I16, I32, I64 = Kind(np.int8), Kind(np.int16), Kind(np.int32), Kind(np.int64)
U8, U16, U32, U64 = Kind(np.uint8), Kind(np.uint16), Kind(np.uint32), Kind(np.uint64)
BOOL, C64 = Kind(np.bool_), Kind(np.complex64)
Q8, QU8, Q16 = Kind(np.int8, 0.5, 3), Kind(np.uint8, 0.5, 120), Kind(np.int16, 0.25)
FLOATS = (F32, F32, F32, F16, Q8, QU8, Q16)
"""What layers are for."""
NUMBERS = (F32, F32, I32, I64, Q8, QU8, Q16, I8, U8, I16)
ALL = (*NUMBERS, F16, F64, BOOL, U16, U32, U64)
ANY = (*ALL, Q8, QU8, Q16)


@dataclass
class Case:
    """A model, and two sets of its inputs."""

    model: bytes
    inputs: list[npt.NDArray[Any]]
    others: list[npt.NDArray[Any]]


@dataclass
class Draft:
    """Methods that make a tensor return its place."""

    random: np.random.Generator
    tensors: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    graphs: list[Graph] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    fed: dict[int, tuple[npt.NDArray[Any], npt.NDArray[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free = self.chance(0.4)
        self.lengths: Sequence[int] = (0, 0, 1, 2, 4) if self.chance(0.3) else (1, 2, 3, 4, 7)

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def one_of(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def length(self) -> int:
        return int(self.one_of(self.lengths))

    def shape(self, *ranks: int) -> list[int]:
        return [self.length() for _ in range(self.one_of(ranks or (1, 2, 3, 4)))]

    def number(self, low: int, high: int) -> int:
        """From low on and below high, which counts as one more at least."""
        return int(self.random.integers(low, max(high, low + 1)))

    def values(
        self, kind: Kind, shape: Sequence[int], low: int | None = None, high: int | None = None
    ) -> npt.NDArray[Any]:
        """Small numbers, and now and then ones that operators may stumble over."""
        dtype = np.dtype(kind.dtype)
        if low is not None and high is not None:
            found = self.random.integers(low, max(high, low + 1), shape)
            return np.asarray(found).astype(dtype)
        if dtype == np.bool_:
            return np.asarray(self.random.integers(0, 2, shape)).astype(dtype)
        if dtype.kind in "fc":
            array = np.asarray(self.random.normal(0, 2, shape)).astype(dtype)
            if array.size and self.chance(0.1):
                array.flat[0] = self.one_of((np.nan, np.inf, -np.inf, 0.0))
            return array
        limits = np.iinfo(dtype)
        wide = kind.scale or self.chance(0.2)
        low, high = (int(limits.min), int(limits.max)) if wide else (max(int(limits.min), -3), 5)
        return self.random.integers(low, high, shape, dtype, endpoint=True)

    def given(
        self,
        kind: Kind,
        shape: Sequence[int],
        low: int | None = None,
        high: int | None = None,
        constant: float = 0.1,
    ) -> int:
        """An input, or with a probability a constant. Values from low on and below high."""
        first, second = (self.values(kind, shape, low, high) for _ in range(2))
        if self.chance(constant) or kind == C64:
            return self.constant(kind, first)
        dims = [-1] * len(shape) if self.free else list(shape)
        place = self._tensor(kind, dims)
        self.fed[place] = first, second
        return place

    def indices(self, shape: Sequence[int], below: int, kind: Kind = I32, **more: Any) -> int:
        """Numbers of what there are so many of; at times some of which there are none."""
        low, high = (-2, below + 2) if self.chance(0.15) else (0, below)
        return self.given(kind, shape, low, high, **more)

    def parameter(self, values: npt.ArrayLike, kind: Kind = I32) -> int:
        """What mostly is a constant."""
        array = np.asarray(values, kind.dtype)
        if self.chance(0.75):
            return self.constant(kind, array)
        place = self._tensor(kind, [-1] * array.ndim if self.free else array.shape)
        self.fed[place] = array, array
        return place

    def constant(self, kind: Kind, array: npt.NDArray[Any]) -> int:
        place = self._tensor(kind, array.shape)
        self.tensors[place].data = array
        return place

    def variable(self, kind: Kind, shape: Sequence[int]) -> int:
        place = self._tensor(kind, shape)
        self.tensors[place].variable = True
        return place

    def made(
        self,
        kind: Kind,
        shape: Sequence[int] | None = None,
        shown: bool = True,
        exact: bool = False,
    ) -> int:
        """A result: an output of the model, if it is shown. Its shape may be wrong, where it need
        not be exact."""
        if shape is None or (self.chance(0.2) and not exact):
            shape = self.shape(0, 1, 2, 4)
        place = self._tensor(kind, [-1] * len(shape) if self.free else shape)
        if shown:
            self.outputs.append(place)
        return place

    def resource(self) -> int:
        place = self._tensor(I32, [1])
        self.tensors[place].code = RESOURCE
        return place

    def _tensor(self, kind: Kind, dims: Sequence[int]) -> int:
        scales = [kind.scale] if kind.scale else []
        zero_points = [kind.zero_point] if kind.scale else []
        self.tensors.append(Tensor(kind.dtype, list(dims), None, scales, zero_points))
        return len(self.tensors) - 1

    def kind_of(self, choices: Sequence[Kind]) -> Kind:
        """One of those that an operator is for, or at times any."""
        kind: Kind = self.one_of(ANY if self.chance(0.15) else choices)
        return kind

    def kind(self, place: int) -> Kind:
        tensor = self.tensors[place]
        scale = tensor.scales[0] if tensor.scales else 0.0
        return Kind(tensor.dtype, scale, tensor.zero_points[0] if tensor.zero_points else 0)

    def add(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str = "",
        /,
        **fields: Any,
    ) -> Operator:
        """An operator by its name in BuiltinOperator; `options` is a name in BuiltinOptions or in
        BuiltinOptions2, without its last word."""
        operator = Operator(getattr(schema.BuiltinOperator, name), list(inputs), list(outputs))
        operator.version = self.number(1, 5) if self.chance(0.1) else FIRST_VERSIONS.get(name, 1)
        if options:
            made = getattr(schema, f"{options}OptionsT")()
            for key, value in fields.items():
                if not hasattr(made, key):
                    raise AttributeError(f"{options} has no {key}")
                setattr(made, key, value)
            code = getattr(schema.BuiltinOptions, f"{options}Options", None)
            if code is not None:
                operator.options_type, operator.options = code, made
            else:
                operator.options_2_type = getattr(schema.BuiltinOptions2, f"{options}Options")
                operator.options_2 = made
        self.operators.append(operator)
        return operator

    def graph(self, draft: Draft, inputs: Sequence[int]) -> int:
        """Another subgraph, and its number. What was fed to it stays zero."""
        self.graphs.append(Graph(draft.tensors, draft.operators, inputs, draft.outputs))
        return len(self.graphs)

    def case(self) -> Case:
        main = Graph(self.tensors, self.operators, list(self.fed), self.outputs)
        model = build_graphs([main, *self.graphs])
        first, second = ([pair[at] for pair in self.fed.values()] for at in range(2))
        return Case(model, first, second)
