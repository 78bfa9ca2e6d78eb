"""Inputs that are put into a place once, and written there whenever they are set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rewriter.abi.dialects import TensorType
from runtime_shim.backends.common.c_objects import new_buffer
from runtime_shim.backends.common.tensor_info import Fed, Port, check_booleans, check_input

__all__ = ["PlacedInputs"]


class PlacedInputs(ABC):
    """The part of a backends.interface.MovableContext that is about inputs. `ports` are those of
    the model."""

    def __init__(self, ports: Sequence[Port]) -> None:
        self._ports = ports
        self._fed: dict[int, Fed] = {}

    @abstractmethod
    def _place_input(self, index: int, fed: Fed) -> None:
        """Have the NN runtime read this input from `fed.data`, and keep it in `_fed`."""

    @abstractmethod
    def _forget_input(self, index: int) -> None:
        """It could not be placed, and what the NN runtime has of it is not known."""

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        fed = self._fed.get(index)
        if fed is None or not fed.is_like(tensor_type, shape, len(data)):
            element = check_input(self._ports, index, tensor_type, shape, data)
            try:
                fed = Fed(tensor_type, shape, new_buffer(len(data)), element.boolean)
                self._place_input(index, fed)
            except Exception:
                self._fed.pop(index, None)
                self._forget_input(index)
                raise
        elif fed.boolean:
            check_booleans(index, data)
        fed.data[:] = data

    def move_input(self, index: int, buffer: memoryview) -> bool:
        fed = self._fed[index]
        if fed.boolean:  # which has to be looked at whenever it is set
            return False
        buffer[:] = fed.data
        self._place_input(index, fed._replace(data=buffer))
        return True
