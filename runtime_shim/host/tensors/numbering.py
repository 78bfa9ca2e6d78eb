"""What the numbers of a guest's tensor types mean. Imports do not show it, but tensors do.

Releases of the specification and of hosts have given the same number to types of different sizes:
see rewriter.abi.dialects. A tensor has a length, and the model knows the type of its input, so few
tensors are ambiguous.

Encodings and errnos do not follow from it. They changed in other releases. Models show their own
format, and adapters show which errnos they translate.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import prod
from typing import NamedTuple

from rewriter.abi.dialects import DIALECTS, WITX, Dialect, Errno, TensorType
from runtime_shim.backends.interface import Element
from runtime_shim.errors import HostError

__all__ = ["Evidence", "Numbering"]

log = logging.getLogger("runtime_shim")


class Numbering:
    """Which numberings of tensor types are consistent with all tensors that one guest has set.

    A tensor is first read by the usual numbering, which is the specification's. If that does not
    fit the model, the tensor is read by the other numberings that fit, unless a further numbering
    would also be possible, even as a tensor of a wrong type. A numbering that does not fit a tensor
    that was set is ruled out for good; a tensor without elements proves nothing. All numberings
    that fit a tensor agree on its type: the model's.
    """

    def __init__(self) -> None:
        self._left: tuple[Dialect, ...] = ()
        """One dialect for each numbering that is still possible, the specification's first if it is
        among them. Empty until it is first needed."""
        self._refuted: dict[Dialect, Tensor] = {}
        """The numberings that are ruled out, with the tensor that does not fit."""
        self._agreed: Mapping[int, TensorType] = {}
        """The numbers whose type is the same in all numberings that are left."""

    def read(
        self,
        dialect: Dialect,
        number: int,
        element: Element | None,
        shape: tuple[int, ...],
        size: int,
    ) -> tuple[TensorType, Evidence | None]:
        """The type of a tensor to which a guest gives this `number`, and the evidence to pass to
        `keep` once the tensor is set. `dialect` is the one that the guest's imports show, or that
        the operator chose. `element` is what the input takes, or None if the model does not say.
        `size` is in bytes.

        A tensor that fits by no numbering gets its usual type, which the model refuses. Raises
        HostError with `invalid_argument` for a number that is unknown, ambiguous, or valid only in
        numberings that are ruled out.
        """
        if dialect.told or dialect.tensor_types is not WITX.tensor_types:
            return _told(dialect, number, element), None
        if not self._left:
            self._leave(_numberings())
        agreed = self._agreed.get(number)
        if agreed is not None and (element is None or element.type is agreed):
            return agreed, None
        tensor = Tensor(number, element, shape, size)
        right_in = tuple(filter(tensor.is_right_in, self._left))
        chosen = self._choice(tensor, right_in)
        if chosen is not None:
            evidence = Evidence(tensor, right_in, chosen) if tensor.proves else None
            return chosen, evidence
        self._raise_if_refuted(tensor)
        usual = _meaning(self._left[0], number)
        if usual is None:
            raise HostError(Errno.INVALID_ARGUMENT, f"unknown tensor type {number}")
        if self._left[0] in right_in:
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"tensor type {number} differs between {_names(self._left)}, and nothing "
                "shows which of them the guest uses",
            )
        return usual.type, None

    def _choice(self, tensor: Tensor, right_in: tuple[Dialect, ...]) -> TensorType | None:
        """The type of a tensor that fits some numberings, if it cannot be another."""
        usual = self._left[0]
        if usual in right_in and (usual is WITX or len(self._left) == 1):
            return tensor.type_in(usual)
        if tensor.element is None or not tensor.proves:
            return None
        own = [one for one in right_in if tensor.type_in(one) is tensor.element.type]
        others = (one for one in self._left if one not in right_in)
        if not own or (not tensor.element.bytes_of and any(map(tensor.fits, others))):
            return None
        return tensor.element.type

    def keep(self, evidence: Evidence) -> None:
        """Use a tensor that was set as evidence."""
        wrong_in = [one for one in self._left if one not in evidence.right_in]
        if not wrong_in:
            return
        self._refuted.update(dict.fromkeys(wrong_in, evidence.tensor))
        self._leave(evidence.right_in)
        if WITX in wrong_in:
            log.info(
                "set_input: the guest uses the tensor types of %s: %s is %s",
                _names(self._left),
                evidence.tensor,
                evidence.type.name.lower(),
            )

    def _raise_if_refuted(self, tensor: Tensor) -> None:
        """Raise HostError for a tensor that fits only numberings that are ruled out."""
        for dialect, earlier in self._refuted.items():
            meant = _meaning(dialect, tensor.number)
            if meant is not None and tensor.proves and tensor.is_right_in(dialect):
                raise HostError(
                    Errno.INVALID_ARGUMENT,
                    f"tensor type {tensor.number} is {meant.name} in {dialect.name}, but an "
                    f"earlier tensor ({earlier}) fits only {_names(self._left)}",
                )

    def _leave(self, numberings: tuple[Dialect, ...]) -> None:
        self._left = numberings
        first, *others = (one.tensor_types for one in numberings)
        self._agreed = {
            number: kind
            for number, kind in first.items()
            if all(other.get(number) is kind for other in others)
        }


class Tensor(NamedTuple):
    """What a guest passed for a tensor, and what the model's input takes. `size` is in bytes."""

    number: int
    element: Element | None
    shape: tuple[int, ...]
    size: int

    @property
    def proves(self) -> bool:
        """Whether other numberings could fail to fit it."""
        return 0 not in self.shape or bool(self.element and self.element.bytes_of)

    def type_in(self, dialect: Dialect) -> TensorType | None:
        meant = _meaning(dialect, self.number)
        return meant.type if meant is not None else None

    def fits(self, dialect: Dialect) -> bool:
        """Whether its length matches its type and shape."""
        meant = _meaning(dialect, self.number)
        return meant is not None and self.size == prod(self.shape) * meant.size

    def is_right_in(self, dialect: Dialect) -> bool:
        """Whether it is what the model takes, as far as the model says."""
        meant, element = _meaning(dialect, self.number), self.element
        if meant is None or element is None:
            return meant is not None and self.fits(dialect)
        if element.bytes_of:
            return meant.type in element.bytes_of
        return element.takes(meant) and self.size == prod(self.shape) * element.size

    def __str__(self) -> str:
        return f"type {self.number} with {self.size} bytes for {list(self.shape)}"


class Evidence(NamedTuple):
    """A tensor, the numberings that fit it, and its type in all of them."""

    tensor: Tensor
    right_in: tuple[Dialect, ...]
    type: TensorType


def _numberings() -> tuple[Dialect, ...]:
    """A dialect for each numbering that is possible for a guest with the specification's
    imports."""
    found: dict[object, Dialect] = {}
    for dialect in DIALECTS.values():
        if dialect.layout == WITX.layout:
            numbers = {**dialect.tensor_types, **dialect.raw_types}
            found.setdefault(frozenset(numbers.items()), dialect)
    return tuple(found.values())


def _names(dialects: tuple[Dialect, ...]) -> str:
    return " or ".join(dialect.name for dialect in dialects)


def _meaning(dialect: Dialect, number: int) -> Element | None:
    from runtime_shim.backends.common.tensor_info import (
        element_of,
    )  # imported here because few tensors need it

    kind = dialect.tensor_types.get(number)
    return element_of(dialect.raw_types.get(number, "") if kind is None else kind.name.lower())


def _told(dialect: Dialect, number: int, element: Element | None) -> TensorType:
    """The meaning of a number for a guest whose dialect is known for certain."""
    kind = dialect.tensor_types.get(number)
    if kind is not None:
        return kind
    meant = _meaning(dialect, number)
    if meant is None:
        raise HostError(Errno.INVALID_ARGUMENT, f"unknown tensor type {number}")
    if element is None or not element.takes(meant):
        raise HostError(
            Errno.INVALID_ARGUMENT, f"the input does not accept tensor type {number} ({meant.name})"
        )
    return meant.type
