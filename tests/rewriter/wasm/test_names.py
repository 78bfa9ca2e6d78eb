"""Names of functions as their source has them."""

from __future__ import annotations

import pytest

from rewriter.wasm.names import in_rust

HASH = "17h8dc29c2857f25ffaE"


@pytest.mark.parametrize(
    ("mangled", "name"),
    [
        (f"_ZN8classify4main{HASH}", "classify::main"),
        (
            f"_ZN51_$LT$nn..Graph$u20$as$u20$core..ops..drop..Drop$GT$4drop{HASH}",
            "<nn::Graph as core::ops::drop::Drop>::drop",
        ),
        (
            f"_ZN4core3ptr33drop_in_place$LT$$u5b$u8$u5d$$GT${HASH}",
            "core::ptr::drop_in_place<[u8]>",
        ),
        (f"_ZN0a{HASH}", f"_ZN0a{HASH}"),
        (f"_ZN1\u00e9{HASH}", f"_ZN1\u00e9{HASH}"),
        (f"_ZN5$u1b${HASH}", "$u1b$"),
        (f"_ZN6$ud800${HASH}", f"_ZN6$ud800${HASH}"),
        (f"_ZN7$ud800${HASH}", "$ud800$"),
        ("_ZN8classify4main", "_ZN8classify4main"),
        ("_ZN3foo3barEv", "_ZN3foo3barEv"),
        (f"_ZN9a{HASH}", f"_ZN9a{HASH}"),
        ("_RNvCs4fqI2P2rA04_8classify4main", "_RNvCs4fqI2P2rA04_8classify4main"),
        ("main", "main"),
        ("", ""),
    ],
)
def test_a_name_of_rust_is_shown_as_its_source_has_it(mangled: str, name: str) -> None:
    assert in_rust(mangled) == name


def test_long_hostile_names_are_read() -> None:
    parts = "_ZN" + "1a" * 100_000 + HASH
    assert in_rust(parts) == "::".join("a" * 100_000)
    for name in ("_ZN" + "9" * 100_000 + HASH, "_ZN" + "1" * 100_000):
        assert in_rust(name) == name
