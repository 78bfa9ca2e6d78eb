"""A model on a server, over gRPC."""

from __future__ import annotations

import os
import queue
from collections.abc import Sequence
from typing import Any

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.access import Access
from runtime_shim.backends.remote.answers.identity import Identity
from runtime_shim.backends.remote.answers.limits import LARGEST_ANSWER, LARGEST_DESCRIPTION
from runtime_shim.backends.remote.endpoints import Endpoint
from runtime_shim.backends.remote.failures import (
    NotTaken,
    contradiction,
    late,
    lost,
    refused,
)
from runtime_shim.backends.remote.interface import (
    Answered,
    Given,
    Layout,
    Metadata,
    Region,
    Tensors,
    layout_of,
    left,
    place_of,
    request_id,
)
from runtime_shim.backends.remote.over_grpc.forms import Form, form_of
from runtime_shim.backends.remote.over_grpc.inputs import add_typed
from runtime_shim.backends.remote.over_grpc.messages import SERVICE, message
from runtime_shim.backends.remote.over_grpc.outputs import outputs_of, shape_of
from runtime_shim.backends.remote.over_grpc.sizes import check_size
from runtime_shim.backends.remote.over_grpc.wire import ID, RAW_INPUT, varint
from runtime_shim.backends.remote.speaker import Speaker

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it would print to standard error by itself

import grpc
from google.protobuf.message import DecodeError

__all__ = ["GrpcServer"]

_CONNECTING = 5000
"""How many milliseconds one attempt to connect may take, so that there is time for another
endpoint."""

_TELLING = 1.0
"""For how many seconds gRPC is waited for to say whether it has a connection."""

_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", LARGEST_ANSWER),
    ("grpc.enable_retries", 1),  # only of what a server says that it has not begun with
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.min_reconnect_backoff_ms", _CONNECTING),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
)
"""https://github.com/grpc/grpc/blob/master/include/grpc/impl/channel_arg_names.h"""

_NOT_SENT = ("failed to connect to all addresses", "DNS resolution failed", "errors resolving")
"""How the details of UNAVAILABLE begin if gRPC had no connection to send the request on. The
address comes after it."""

_ERRNOS = {
    "NOT_FOUND": Errno.NOT_FOUND,
    "UNIMPLEMENTED": Errno.UNSUPPORTED_OPERATION,
    "INVALID_ARGUMENT": Errno.INVALID_ARGUMENT,
    "RESOURCE_EXHAUSTED": Errno.BUSY,
    "UNAVAILABLE": Errno.BUSY,
}
"""For a server's own status. All others are runtime errors."""

_CLOSED = (": Socket closed", "Connection reset by peer")
"""How the details end if the server has ended each connection before it said anything."""

_BROKEN_CONNECTION = ("Socket closed", "Connection reset", "recvmsg:", "sendmsg:", "GOAWAY")


class GrpcServer:
    """Implements remote.interface.Server."""

    def __init__(self, endpoint: Endpoint, access: Access, binary: bool | None = None) -> None:
        self.name = str(endpoint)
        self.speaker = Speaker(self.name, access)
        self._model, self._version = endpoint.model, endpoint.version
        self._port = f":{endpoint.port}"
        self._is_secure = endpoint.is_secure
        self._identity = Identity(endpoint, self.speaker)
        self._access = access
        self._headers = tuple(access.headers)
        target = f"dns:///{endpoint.address}"  # otherwise a host may be a scheme, such as `unix`
        if endpoint.is_secure:
            secrets = grpc.ssl_channel_credentials(*access.pem())
            self._channel = grpc.secure_channel(target, secrets, _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(target, _OPTIONS)
        self._infer = self._method("ModelInfer")
        self._is_typed = binary is False
        self._has_answered = False
        self._begun: tuple[Layout, bytes] | None = None
        """What the last request began with, and for which layout."""

        self._form: Form | None = None
        """That of the last answer that was parsed."""

    def close(self) -> None:
        self._channel.close()

    def has_lost_connection(self) -> bool:
        return False  # gRPC connects again by itself, and says so only to a thread of its own

    def _method(self, name: str) -> Any:
        return self._channel.unary_unary(f"/{SERVICE}/{name}")

    def extensions(self, until: float) -> Sequence[str]:
        return list(self._asked("ServerMetadata", {}, until).extensions)

    def metadata(self, until: float) -> Metadata:
        found = self._asked("ModelMetadata", self._named(), until)
        self._identity.check_described(found.name, list(found.versions))
        inputs, outputs = (
            [Tensors(each.name, each.datatype, shape_of(each)) for each in described]
            for described in (found.inputs, found.outputs)
        )
        return Metadata(found.platform, inputs, outputs)

    def check_ready(self, until: float) -> None:
        if not self._asked("ModelReady", self._named(), until).ready:
            raise NotTaken(f"{self.name} is not ready")

    def register(self, region: str, key: str, size: int, until: float) -> None:
        fields = {"name": region, "key": key, "byte_size": size}
        self._asked("SystemSharedMemoryRegister", fields, until)

    def unregister(self, region: str, until: float) -> None:
        self._asked("SystemSharedMemoryUnregister", {"name": region}, until)

    def _named(self) -> dict[str, str]:
        return {"name": self._model, "version": self._version}

    def _asked(self, method: str, fields: dict[str, Any], until: float) -> Any:
        request = message(f"{method}Request")(**fields).SerializeToString()
        answer = self._call(self._method(method), request, until)
        if len(answer) > LARGEST_DESCRIPTION:
            raise contradiction(self.speaker, f"it has {len(answer)} bytes")
        kind = "ModelReadyResponse" if method == "ModelReady" else f"{method}Response"
        if method.startswith("SystemSharedMemory"):
            return None  # its answer is empty
        return self._parsed(kind, answer)

    def _parsed(self, kind: str, answer: bytes) -> Any:
        check_size(self.speaker, answer)
        try:
            return message(kind).FromString(answer)
        except (DecodeError, UnicodeDecodeError) as error:
            raise contradiction(self.speaker, "it is not the protocol's message") from error

    def infer(
        self,
        inputs: Sequence[Given],
        outputs: Sequence[tuple[Port, Region | None]],
        until: float,
    ) -> Sequence[Answered]:
        mine = request_id()
        in_bytes = mine.encode()
        pieces = [self._beginning(inputs, outputs), ID, varint(len(in_bytes)), in_bytes]
        for each in inputs:
            if not self._is_typed and not isinstance(each.data, Region):
                pieces += (RAW_INPUT, varint(len(each.data)), each.data)
        answer = self._call(self._infer, b"".join(pieces), until)
        form = self._form
        known = None if form is None else form.output_of(answer, in_bytes)
        if known is not None:
            return [known]
        parsed = self._parsed("ModelInferResponse", answer)
        self._identity.check_inferred(mine, parsed.id, parsed.model_name, parsed.model_version)
        found = outputs_of(self.speaker, parsed, outputs)
        self._form = form_of(answer, parsed, found) if parsed.id == mine else None
        return found

    def _beginning(
        self, inputs: Sequence[Given], outputs: Sequence[tuple[Port, Region | None]]
    ) -> bytes:
        """The request without tensors in raw form, which come last. It is made once for all
        requests with the same layout, unless it has tensors in it."""
        layout = layout_of(inputs, outputs)
        begun = self._begun
        if begun is None or self._is_typed or begun[0] != layout:
            request = message("ModelInferRequest")(
                model_name=self._model, model_version=self._version
            )
            for port, shape, data in inputs:
                added = request.inputs.add(
                    name=port.name, datatype=port.described_type, shape=shape
                )
                _add_place(added.parameters, data if isinstance(data, Region) else None)
                if self._is_typed and not isinstance(data, Region):
                    add_typed(added.contents, port, data)
            for port, region in outputs:
                _add_place(request.outputs.add(name=port.name).parameters, region)
            begun = self._begun = layout, request.SerializeToString()
        return begun[1]

    def _call(self, method: Any, request: bytes, until: float) -> bytes:
        try:
            answer: bytes = method(request, timeout=left(until), metadata=self._headers)
        except TimeoutError:
            raise late(self.speaker) from None
        except grpc.RpcError as error:
            raise self._failed(error) from None
        self._has_answered = True
        return answer

    def _is_connected(self) -> bool:
        """Whether there is a connection now. gRPC tells it in a thread of its own."""
        told: queue.SimpleQueue[grpc.ChannelConnectivity] = queue.SimpleQueue()
        tell = told.put
        self._channel.subscribe(tell)
        try:
            return told.get(timeout=_TELLING) is grpc.ChannelConnectivity.READY
        except queue.Empty:
            return True  # the safe side: the request is not repeated
        finally:
            self._channel.unsubscribe(tell)

    def _failed(self, error: Any) -> Exception:
        status = error.code().name
        details = self.speaker.says(error.details() or "")
        if status == "DEADLINE_EXCEEDED":
            return late(self.speaker)
        if (
            status == "UNAVAILABLE"
            and details.startswith(_NOT_SENT)
            and self._port in details  # a server may say the same of one behind it
            and not self._is_connected()
        ):
            return NotTaken(f"{self.name}: {details}{self._instead(details)}")
        if status == "UNAVAILABLE" and any(each in details for each in _BROKEN_CONNECTION):
            return lost(self.speaker, details)
        if status == "RESOURCE_EXHAUSTED" and _is_of_an_answer(details):
            return contradiction(self.speaker, details)
        if status in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            details += self._access.advice
        errno = _ERRNOS.get(status, Errno.RUNTIME_ERROR)
        is_unavailable = status == "UNAVAILABLE"
        return refused(self.speaker, f"{status}: {details}", errno, is_unavailable=is_unavailable)

    def _instead(self, details: str) -> str:
        """What to try where a connection fails because of another protocol."""
        if "Expected SETTINGS frame" in details:
            return "; this port does not seem to speak gRPC: try http:// in place of grpc://"
        if "WRONG_VERSION_NUMBER" in details:
            return "; this port does not seem to speak TLS: try grpc:// in place of grpcs://"
        if not self._is_secure and not self._has_answered and details.endswith(_CLOSED):
            return (
                "; if this is a port for HTTP, which closes connections of gRPC: try http:// in"
                " place of grpc://"
            )
        return ""


def _is_of_an_answer(details: str) -> bool:
    """Whether gRPC has refused what the server sends, and not the server the request."""
    is_message = "larger than max" in details and not details.startswith("SERVER:")
    return is_message or "received metadata size" in details


def _add_place(parameters: Any, region: Region | None) -> None:
    if region is None:
        return
    for key, value in place_of(region).items():
        if value != 0:
            kind = "string_param" if isinstance(value, str) else "int64_param"
            parameters.add(key=key, value={kind: value})
