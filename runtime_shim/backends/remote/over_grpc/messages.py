"""The protocol's messages, described to protobuf while the program runs. Generated code would be
tied to the release of protobuf that generated it.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto
https://github.com/triton-inference-server/common/blob/main/protobuf/grpc_service.proto
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["SERVICE", "TYPED", "message"]

SERVICE = "inference.GRPCInferenceService"

_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ServerMetadataRequest": (),
        "ServerMetadataResponse": (
            "1 string name",
            "2 string version",
            "3 string* extensions",
        ),
        "ModelReadyRequest": ("1 string name", "2 string version"),
        "ModelReadyResponse": ("1 bool ready",),
        "ModelMetadataRequest": ("1 string name", "2 string version"),
        "TensorMetadata": ("1 string name", "2 string datatype", "3 int64* shape"),
        "ModelMetadataResponse": (
            "1 string name",
            "2 string* versions",
            "3 string platform",
            "4 TensorMetadata* inputs",
            "5 TensorMetadata* outputs",
        ),
        "InferParameter": ("1 bool bool_param", "2 int64 int64_param", "3 string string_param"),
        "Parameter": ("1 string key", "2 InferParameter value"),
        "InferTensorContents": (
            "1 bool* bool_contents",
            "2 int32* int_contents",
            "3 int64* int64_contents",
            "4 uint32* uint_contents",
            "5 uint64* uint64_contents",
            "6 float* fp32_contents",
            "7 double* fp64_contents",
            "8 bytes* bytes_contents",
        ),
        "InferInputTensor": (
            "1 string name",
            "2 string datatype",
            "3 int64* shape",
            "4 Parameter* parameters",
            "5 InferTensorContents contents",
        ),
        "InferRequestedOutputTensor": ("1 string name", "2 Parameter* parameters"),
        "ModelInferRequest": (
            "1 string model_name",
            "2 string model_version",
            "3 string id",
            "5 InferInputTensor* inputs",
            "6 InferRequestedOutputTensor* outputs",
            "7 bytes* raw_input_contents",
        ),
        "InferOutputTensor": (
            "1 string name",
            "2 string datatype",
            "3 int64* shape",
            "4 Parameter* parameters",
            "5 InferTensorContents contents",
        ),
        "ModelInferResponse": (
            "1 string model_name",
            "2 string model_version",
            "3 string id",
            "5 InferOutputTensor* outputs",
            "6 bytes* raw_output_contents",
        ),
        "SystemSharedMemoryRegisterRequest": (
            "1 string name",
            "2 string key",
            "3 uint64 offset",
            "4 uint64 byte_size",
        ),
        "SystemSharedMemoryUnregisterRequest": ("1 string name",),
    }
)
"""Number, type and name of the fields; a * marks a repeated one. A map, such as `parameters`, is on
the wire a repeated message with a key and a value. The alternatives of InferParameter are separate
fields here, which is the same on the wire. What nobody reads of an answer is left out, because it
would only fill memory. Tests compare this with tritonclient's file."""

TYPED: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "bool_contents",
        "INT8": "int_contents",
        "INT16": "int_contents",
        "INT32": "int_contents",
        "INT64": "int64_contents",
        "UINT8": "uint_contents",
        "UINT16": "uint_contents",
        "UINT32": "uint_contents",
        "UINT64": "uint64_contents",
        "FP32": "fp32_contents",
        "FP64": "fp64_contents",
    }
)
"""The field of InferTensorContents for each type. FP16 and BF16 exist in raw form only."""

_Field = descriptor_pb2.FieldDescriptorProto
_FILE = "nnshim/open_inference.proto"


def _pool() -> descriptor_pool.DescriptorPool:
    """The messages, apart from those of other packages with the same names."""
    file = descriptor_pb2.FileDescriptorProto(name=_FILE, package="inference", syntax="proto3")
    for name, fields in _FIELDS.items():
        described = file.message_type.add(name=name)
        for text in fields:
            number, kind, field = text.split(" ")
            one = kind.removesuffix("*")
            added = described.field.add(name=field, number=int(number))
            added.label = _Field.LABEL_OPTIONAL if one == kind else _Field.LABEL_REPEATED
            if one in _FIELDS:
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".inference.{one}"
            else:
                added.type = _Field.Type.Value(f"TYPE_{one.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _pool()


@functools.cache
def message(name: str) -> Any:
    """The class of a message."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"inference.{name}"))
