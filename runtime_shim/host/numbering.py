"""What the numbers of a guest's tensor types mean: imports do not show it, tensors do.

Releases of the specification and of hosts have given the same number to types of other sizes:
rewriter.abi.dialects. A tensor says how long it is, and the model of what type its input is, so
that few tensors can be more than one thing.

Encodings and errnos do not follow from it. They changed in other releases, models tell of what
format they are, and adapters tell which errnos they translate.
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
    """By which numbers one guest can have meant all tensors that it has set.

    A tensor is what it is by the usual numbers, which are the specification's, if that is right for
    the model. If it is not, the tensor is what it is by others for which it is right, unless it
    could have been meant by still others, even as a tensor of a wrong type. Numbers by which a
    tensor that was set is wrong are not the guest's, and are out for good; one without elements
    proves nothing. All numbers for which a tensor is right say the same of it: the model's type.
    """

    def __init__(self) -> None:
        self._left: tuple[Dialect, ...] = ()
        """One dialect for each numbering that can be the guest's, the specification's first if it
        is among them; none before they are needed."""
        self._refuted: dict[Dialect, Tensor] = {}
        """The others, with the tensor that is wrong there."""
        self._agreed: Mapping[int, TensorType] = {}
        """What all that are left say."""

    def read(
        self,
        dialect: Dialect,
        number: int,
        element: Element | None,
        shape: tuple[int, ...],
        size: int,
    ) -> tuple[TensorType, Evidence | None]:
        """The type of a tensor that a guest has given this `number`, and what `keep` has to know
        once it is set. `dialect` is what the guest's imports show, or what it was told to be;
        `element` what the input takes, None where the model does not say; `size` is in bytes.

        A tensor that is wrong by all numbers has its usual type, which the model refuses. Raises
        HostError with `invalid_argument` for a number that means nothing, or one of several things,
        or something only by numbers that are not the guest's.
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
                f"tensor type {number} means different types in {_names(self._left)}, and it is "
                "unknown which of them the guest uses",
            )
        return usual.type, None

    def _choice(self, tensor: Tensor, right_in: tuple[Dialect, ...]) -> TensorType | None:
        """The type of a tensor that is right by some numbers, if it cannot be another."""
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
        """A tensor was set."""
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
        """HostError for a tensor that is right only by numbers that the guest cannot have."""
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
    """What a guest has said of a tensor, and what the model's input takes. `size` is in bytes."""

    number: int
    element: Element | None
    shape: tuple[int, ...]
    size: int

    @property
    def proves(self) -> bool:
        """Whether it would be wrong by other numbers."""
        return 0 not in self.shape or bool(self.element and self.element.bytes_of)

    def type_in(self, dialect: Dialect) -> TensorType | None:
        meant = _meaning(dialect, self.number)
        return meant.type if meant is not None else None

    def fits(self, dialect: Dialect) -> bool:
        """Whether it is as long as a tensor of its type and shape is."""
        meant = _meaning(dialect, self.number)
        return meant is not None and self.size == prod(self.shape) * meant.size

    def is_right_in(self, dialect: Dialect) -> bool:
        """Whether it is what the model takes, as far as that says."""
        meant, element = _meaning(dialect, self.number), self.element
        if meant is None or element is None:
            return meant is not None and self.fits(dialect)
        if element.bytes_of:
            return meant.type in element.bytes_of
        return element.takes(meant) and self.size == prod(self.shape) * element.size

    def __str__(self) -> str:
        return f"type {self.number} with {self.size} bytes for {list(self.shape)}"


class Evidence(NamedTuple):
    """A tensor, the numberings by which it is right, and what it is by all of them."""

    tensor: Tensor
    right_in: tuple[Dialect, ...]
    type: TensorType


def _numberings() -> tuple[Dialect, ...]:
    """A dialect for each numbering that a guest whose imports are the specification's can have."""
    found: dict[object, Dialect] = {}
    for dialect in DIALECTS.values():
        if dialect.layout == WITX.layout:
            numbers = {**dialect.tensor_types, **dialect.raw_types}
            found.setdefault(frozenset(numbers.items()), dialect)
    return tuple(found.values())


def _names(dialects: tuple[Dialect, ...]) -> str:
    return " or ".join(dialect.name for dialect in dialects)


def _meaning(dialect: Dialect, number: int) -> Element | None:
    from runtime_shim.backends.common.tensor_info import element_of  # few tensors get here

    kind = dialect.tensor_types.get(number)
    return element_of(dialect.raw_types.get(number, "") if kind is None else kind.name.lower())


def _told(dialect: Dialect, number: int, element: Element | None) -> TensorType:
    """What a number means to a guest that has those of a dialect for certain."""
    kind = dialect.tensor_types.get(number)
    if kind is not None:
        return kind
    meant = _meaning(dialect, number)
    if meant is None:
        raise HostError(Errno.INVALID_ARGUMENT, f"unknown tensor type {number}")
    if element is None or not element.takes(meant):
        raise HostError(
            Errno.INVALID_ARGUMENT, f"the input does not take tensor type {number}, {meant.name}"
        )
    return meant.type
