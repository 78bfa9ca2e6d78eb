"""Inputs that have one buffer, into which every new value is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rewriter.abi.dialects import TensorType
from runtime_shim.backends.common.c_objects import new_buffer
from runtime_shim.backends.common.tensor_info import Fed, Port, check_booleans, check_input

__all__ = ["PlacedInputs"]


class PlacedInputs(ABC):
    """The part of a backends.interface.MovableContext that handles inputs. `ports` are the
    model's."""

    def __init__(self, ports: Sequence[Port]) -> None:
        self._ports = ports
        self._fed: dict[int, Fed] = {}

    @abstractmethod
    def _place_input(self, index: int, fed: Fed) -> None:
        """Make the NN runtime read this input from `fed.data`, and keep it in `_fed`."""

    @abstractmethod
    def _forget_input(self, index: int) -> None:
        """Handle a failed placement: it is unknown what the NN runtime has of the input."""

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        fed = self._fed.get(index)
        if fed is None or not fed.is_like(tensor_type, shape, len(data)):
            element = check_input(self._ports, index, tensor_type, shape, data)
            try:
                fed = Fed(tensor_type, shape, new_buffer(len(data)), element.boolean)
                self._place_input(index, fed)
            except BaseException:  # also where Ctrl-C came in between
                self._fed.pop(index, None)
                self._forget_input(index)
                raise
        elif fed.boolean:
            check_booleans(index, data)
        fed.data[:] = data

    def move_input(self, index: int, buffer: memoryview) -> bool:
        fed = self._fed[index]
        if fed.boolean:  # every new value has to be checked
            return False
        buffer[:] = fed.data
        self._place_input(index, fed._replace(data=buffer))
        return True
