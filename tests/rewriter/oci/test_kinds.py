"""What a layer is: by its first bytes, and by its type where these do not tell."""

from __future__ import annotations

import gzip

import pytest

from rewriter.oci.kinds import Kind, kind_of_layer, says_wasm
from tests.support.artifacts import GUEST

ZSTD = b"\x28\xb5\x2f\xfd rest"
PACKED = gzip.compress(GUEST, mtime=0)
TAR = bytes(257) + b"ustar" + bytes(250)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/wasm",
        "application/wasm+gzip",
        "Application/Wasm; charset=binary",
        "application/vnd.wasm.content.layer.v1+wasm",
        "application/vnd.module.wasm.content.layer.v1+wasm",
        "application/vnd.example+wasm+zstd",
    ],
)
def test_types_that_say_webassembly(media_type: str) -> None:
    assert says_wasm(media_type)


@pytest.mark.parametrize(
    "media_type",
    ["application/vnd.wasm.config.v0+json", "application/vnd.wasm.content.layer.v1+data", "", "+"],
)
def test_types_that_do_not(media_type: str) -> None:
    assert not says_wasm(media_type)


@pytest.mark.parametrize(
    ("media_type", "data", "kind"),
    [
        ("application/octet-stream", GUEST, Kind.MODULE),
        ("text/plain", GUEST, Kind.MODULE),
        ("application/json", PACKED, Kind.GZIP),
        ("application/wasm+gzip", PACKED, Kind.GZIP),
        ("application/wasm+gzip", GUEST, Kind.MODULE),
        ("application/wasm+gzip", gzip.compress(b"text", mtime=0), Kind.GZIP),
        ("application/wasm+gzip", b"\x1f\x8b\x08broken", Kind.GZIP),
        ("application/wasm+zstd", ZSTD, Kind.UNSEARCHED),
        ("application/x", ZSTD, Kind.UNSEARCHED),
        ("application/x", gzip.compress(TAR, mtime=0), Kind.UNSEARCHED),
        ("application/x", TAR, Kind.UNSEARCHED),
        ("application/wasm+encrypted", b"secret", Kind.MODULE),
        ("application/vnd.oci.image.layer.v1.tar", GUEST, Kind.MODULE),
        ("application/vnd.oci.image.layer.v1.tar", b"read me", Kind.UNSEARCHED),
        ("application/vnd.example.target.v1+json", b"{}", Kind.OTHER),
        ("text/plain", b"read me", Kind.OTHER),
        ("text/plain", b"", Kind.OTHER),
        ("text/plain", gzip.compress(b"read me", mtime=0), Kind.OTHER),
    ],
)
def test_the_first_bytes_tell(media_type: str, data: bytes, kind: Kind) -> None:
    assert kind_of_layer(media_type, lambda: data) is kind


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/wasm", Kind.MODULE),
        ("application/vnd.wasm.content.layer.v1+wasm", Kind.MODULE),
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", Kind.UNSEARCHED),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", Kind.UNSEARCHED),
    ],
)
def test_these_types_tell_without_the_bytes(media_type: str, kind: Kind) -> None:
    def unread() -> bytes:
        raise AssertionError("the layer was read")

    assert kind_of_layer(media_type, unread) is kind
