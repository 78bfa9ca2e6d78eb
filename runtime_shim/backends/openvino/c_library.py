"""OpenVINO through the C library in its Python package, with the types of the headers beside it.

https://docs.openvino.ai/2026/api/c_cpp_api/group__ov__c__api.html
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable, Sequence
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any, TypeVar, cast

from runtime_shim.backends.common.c_objects import address_of, free_with
from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.interface import Part
from runtime_shim.backends.openvino.element_types import ELEMENT_TYPES, dim, port
from runtime_shim.backends.openvino.interface import UNKNOWN_OPERATOR, BadModel, Config, Kind
from runtime_shim.backends.openvino.start import start

__all__ = ["CLibrary"]

R = TypeVar("R")


class _Property(Structure):
    """ov_property_t, with a string value."""

    _fields_ = (("key", c_char_p), ("value", c_char_p))


class _Shape(Structure):
    """ov_shape_t."""

    _fields_ = (("rank", c_int64), ("dims", POINTER(c_int64)))


class _Dimension(Structure):
    """ov_dimension_t, and ov_rank_t."""

    _fields_ = (("min", c_int64), ("max", c_int64))


class _PartialShape(Structure):
    """ov_partial_shape_t."""

    _fields_ = (("rank", _Dimension), ("dims", POINTER(_Dimension)))


class _Devices(Structure):
    """ov_available_devices_t."""

    _fields_ = (("devices", POINTER(c_char_p)), ("size", c_size_t))


_FREE = {
    "ov_compiled_model_free": c_void_p,
    "ov_infer_request_free": c_void_p,
    "ov_model_free": c_void_p,
    "ov_output_const_port_free": c_void_p,
    "ov_tensor_free": c_void_p,
    "ov_available_devices_free": POINTER(_Devices),
    "ov_partial_shape_free": POINTER(_PartialShape),
    "ov_shape_free": POINTER(_Shape),
    "ov_free": c_void_p,
}
"""Functions that free something, and take one argument."""

_OUT = POINTER(c_void_p)

_STATUS: dict[str, tuple[Any, ...]] = {
    "ov_core_read_model": (c_void_p, c_char_p, c_char_p, _OUT),
    "ov_core_read_model_from_memory_buffer": (c_void_p, c_char_p, c_size_t, c_void_p, _OUT),
    "ov_core_compile_model_props": (
        c_void_p,
        c_void_p,
        c_char_p,
        c_size_t,
        POINTER(_Property),
        _OUT,
    ),
    "ov_core_get_available_devices": (c_void_p, POINTER(_Devices)),
    "ov_compiled_model_inputs_size": (c_void_p, POINTER(c_size_t)),
    "ov_compiled_model_outputs_size": (c_void_p, POINTER(c_size_t)),
    "ov_compiled_model_input_by_index": (c_void_p, c_size_t, _OUT),
    "ov_compiled_model_output_by_index": (c_void_p, c_size_t, _OUT),
    "ov_compiled_model_input_by_name": (c_void_p, c_char_p, _OUT),
    "ov_compiled_model_output_by_name": (c_void_p, c_char_p, _OUT),
    "ov_compiled_model_get_property": (c_void_p, c_char_p, _OUT),
    "ov_compiled_model_create_infer_request": (c_void_p, _OUT),
    "ov_port_get_any_name": (c_void_p, _OUT),
    "ov_port_get_element_type": (c_void_p, POINTER(c_int)),
    "ov_port_get_partial_shape": (c_void_p, POINTER(_PartialShape)),
    "ov_infer_request_get_output_tensor_by_index": (c_void_p, c_size_t, _OUT),
    "ov_infer_request_infer": (c_void_p,),
    "ov_infer_request_set_input_tensor_by_index": (c_void_p, c_size_t, c_void_p),
    "ov_infer_request_set_output_tensor_by_index": (c_void_p, c_size_t, c_void_p),
    "ov_tensor_create_from_host_ptr": (c_int, _Shape, c_void_p, _OUT),
    "ov_tensor_get_byte_size": (c_void_p, POINTER(c_size_t)),
    "ov_tensor_get_size": (c_void_p, POINTER(c_size_t)),
    "ov_tensor_get_shape": (c_void_p, POINTER(_Shape)),
    "ov_tensor_data": (c_void_p, _OUT),
}
"""Functions that return an ov_status_e, zero for success. A call releases the interpreter lock."""


class CLibrary:
    """Implements openvino_library.Library.

    Raises OSError if the C library cannot be used, and ImportError if OpenVINO is not installed.
    """

    def __init__(self) -> None:
        started = start()
        try:
            self._dll, self.version = started.library()
            for name, taken in _STATUS.items():
                getattr(self._dll, name).argtypes = taken
            for name, argument in _FREE.items():
                getattr(self._dll, name).argtypes = (argument,)
                getattr(self._dll, name).restype = None
            self._dll.ov_get_last_err_msg.restype = c_void_p
            self._core = started.core()
        except AttributeError as error:
            raise OSError(f"OpenVINO's C library lacks a function: {error}") from error

    def call(self, name: str, *arguments: object) -> None:
        """Call a function. Raises RuntimeError with OpenVINO's message."""
        status = getattr(self._dll, name)(*arguments)
        if status:
            message = self._dll.ov_get_last_err_msg()
            text = ctypes.string_at(message).decode("utf-8", "replace") if message else ""
            if message:
                self._dll.ov_free(message)
            raise RuntimeError(text.strip() or f"{name} failed with status {status}")

    def make(self, name: str, *arguments: object) -> int:
        """Call a function whose last argument receives a pointer, and return that."""
        made = c_void_p()
        self.call(name, *arguments, byref(made))
        if not made.value:
            raise RuntimeError(f"{name} returned a null pointer")
        return made.value

    def text(self, name: str, *arguments: object) -> str:
        """Like `make`, for a string."""
        pointer = self.make(name, *arguments)
        try:
            return ctypes.string_at(pointer).decode("utf-8", "replace")
        finally:
            self._dll.ov_free(pointer)

    def count(self, name: str, *arguments: object) -> int:
        """Like `make`, for a size."""
        size = c_size_t()
        self.call(name, *arguments, byref(size))
        return size.value

    def tensor(self, element_type: str, shape: tuple[int, ...], address: object) -> int:
        """A tensor whose elements are at an address, and stay there."""
        kind = ELEMENT_TYPES.index(element_type)
        return self.make("ov_tensor_create_from_host_ptr", kind, _shape(shape), address)

    def name_of(self, port: int) -> str:
        """One of a port's names; empty if it has none."""
        with contextlib.suppress(RuntimeError):
            return self.text("ov_port_get_any_name", port)
        return ""

    def shape(self, tensor: int) -> tuple[int, ...]:
        found = _Shape()
        refusal = (RuntimeError,) if self.count("ov_tensor_get_size", tensor) == 1 else ()
        with contextlib.suppress(*refusal):  # C returns no shape without dimensions
            self.call("ov_tensor_get_shape", tensor, byref(found))
        try:
            return tuple(found.dims[: found.rank])
        finally:
            self._dll.ov_shape_free(byref(found))

    def function(self, name: str) -> Callable[..., Any]:
        """A function whose result is not checked."""
        return cast(Callable[..., Any], getattr(self._dll, name))

    def devices(self) -> list[str]:
        found = _Devices()
        self.call("ov_core_get_available_devices", self._core, byref(found))
        try:
            return [os.fsdecode(found.devices[index]) for index in range(found.size)]
        finally:
            self._dll.ov_available_devices_free(byref(found))

    def load(self, parts: Sequence[Part], device: str, config: Config) -> CModel:
        try:
            model = self._read(parts)
        except RuntimeError as error:
            if UNKNOWN_OPERATOR in str(error):
                raise
            raise BadModel(str(error)) from error
        try:
            properties = (_Property * len(config))(
                *(_Property(key.encode(), _spelled(value)) for key, value in config.items())
            )
            compiled = self.make(
                "ov_core_compile_model_props",
                self._core,
                model,
                device.encode(),
                len(config),
                properties,
            )
        finally:
            self._dll.ov_model_free(model)
        return CModel(self, compiled, parts)

    def _read(self, parts: Sequence[Part]) -> int:
        first, second = (*parts, None)[:2]
        if isinstance(first, Path):
            weights = os.fsencode(second) if isinstance(second, Path) else None
            return self.make("ov_core_read_model", self._core, os.fsencode(first), weights)
        assert isinstance(first, bytes)  # noqa: S101 - parts are of one kind
        read = "ov_core_read_model_from_memory_buffer"
        if not isinstance(second, bytes) or not second:
            return self.make(read, self._core, first, len(first), None)
        address = ctypes.cast(c_char_p(second), c_void_p)
        tensor = self.tensor("u8", (len(second),), address)
        try:
            return self.make(read, self._core, first, len(first), tensor)
        finally:
            self._dll.ov_tensor_free(tensor)


class CModel:
    """Implements openvino_library.LoadedModel. Weights in bytes are not copied: `parts` live as
    long as the model."""

    def __init__(self, library: CLibrary, compiled: int, parts: Sequence[Part]) -> None:
        self._library = library
        self._compiled = compiled
        self._parts = parts
        free_with(self, library.function("ov_compiled_model_free"), compiled)
        self.inputs = self._ports("input")
        self.outputs = self._ports("output")
        used = library.text("ov_compiled_model_get_property", compiled, b"EXECUTION_DEVICES")
        self.execution_devices = used.split()

    def _ports(self, kind: str) -> tuple[Port, ...]:
        count = self._library.count(f"ov_compiled_model_{kind}s_size", self._compiled)
        return tuple(self._port(f"ov_compiled_model_{kind}_by_index", i) for i in range(count))

    def _port(self, function: str, index: int) -> Port:
        library = self._library
        found = library.make(function, self._compiled, index)
        kind, shape = c_int(), _PartialShape()
        try:
            library.call("ov_port_get_element_type", found, byref(kind))
            library.call("ov_port_get_partial_shape", found, byref(shape))
            name = library.name_of(found)
        finally:
            library.function("ov_output_const_port_free")(found)
        try:
            lengths = None
            if shape.rank.min == shape.rank.max:
                found_dims = (shape.dims[i] for i in range(shape.rank.max))
                lengths = tuple(dim(each.min, each.max) for each in found_dims)
        finally:
            library.function("ov_partial_shape_free")(byref(shape))
        return port(name, ELEMENT_TYPES[kind.value], lengths)

    def called(self, kind: Kind, name: str) -> str:
        find = f"ov_compiled_model_{kind}_by_name"
        if "\0" in name:  # C would cut it there
            return ""
        try:
            found = self._library.make(find, self._compiled, name.encode())
        except (RuntimeError, UnicodeEncodeError):
            return ""
        try:
            return self._library.name_of(found)
        finally:
            self._library.function("ov_output_const_port_free")(found)

    def create_request(self) -> CRequest:
        return CRequest(self, self._library, self._compiled)


class CRequest:
    """Implements openvino_library.Request."""

    def __init__(self, model: CModel, library: CLibrary, compiled: int) -> None:
        self._model = model
        self._library = library
        self._request = library.make("ov_compiled_model_create_infer_request", compiled)
        free_with(self, library.function("ov_infer_request_free"), self._request)
        self._infer = library.function("ov_infer_request_infer")

    def infer(self) -> None:
        if self._infer(self._request):
            self._library.call("ov_infer_request_infer", self._request)  # returns the error message

    def output(self, index: int) -> memoryview:
        return self._of_output(index, self._bytes)

    def output_shape(self, index: int) -> tuple[int, ...]:
        return self._of_output(index, self._library.shape)

    def _of_output(self, index: int, read: Callable[[int], R]) -> R:
        name = "ov_infer_request_get_output_tensor_by_index"
        tensor = self._library.make(name, self._request, index)
        try:
            return read(tensor)
        finally:
            self._library.function("ov_tensor_free")(tensor)

    def place_input(self, index: int, shape: tuple[int, ...], buffer: memoryview) -> None:
        self._place("input", index, self._model.inputs[index], shape, buffer)

    def place_output(self, index: int, buffer: memoryview) -> None:
        port = self._model.outputs[index]
        self._place("output", index, port, port.fixed_shape or (), buffer)

    def _place(
        self, kind: str, index: int, port: Port, shape: tuple[int, ...], buffer: memoryview
    ) -> None:
        tensor = self._library.tensor(port.described_type, shape, address_of(buffer))
        try:
            name = f"ov_infer_request_set_{kind}_tensor_by_index"
            self._library.call(name, self._request, index, tensor)
        finally:
            self._library.function("ov_tensor_free")(tensor)

    def _bytes(self, tensor: int) -> memoryview:
        size = self._library.count("ov_tensor_get_byte_size", tensor)
        if not size:
            return memoryview(bytearray())
        bytes_ = (ctypes.c_ubyte * size).from_address(self._library.make("ov_tensor_data", tensor))
        vars(bytes_)["request"] = self  # the request owns the bytes
        return memoryview(bytes_).cast("B")


def _shape(dims: tuple[int, ...]) -> _Shape:
    return _Shape(len(dims), (c_int64 * len(dims))(*dims))


def _spelled(value: str | int | bool) -> bytes:
    """A property's value in OpenVINO's spelling."""
    if isinstance(value, bool):
        return b"YES" if value else b"NO"
    return str(value).encode()
