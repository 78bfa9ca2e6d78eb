from __future__ import annotations

import pytest

from rewriter.wasm.custom import DESCRIBE_CODE, Custom, custom_kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("linking", Custom.LINKING),
        ("reloc.CODE", Custom.LINKING),
        (".debug_info", Custom.DWARF),
        ("metadata.code.branch_hint", Custom.CODE_METADATA),
        ("external_debug_info", Custom.EXTERNAL_DWARF),
        ("sourceMappingURL", Custom.SOURCE_MAP),
        ("signature", Custom.SIGNATURE),
        ("signature_delimiter", Custom.SIGNATURE),
        ("name", Custom.NAMES),
        ("nnshim", Custom.PADDING),
        ("nnshim.record", Custom.RECORD),
        ("dylink.0", Custom.DYLINK),
        ("dylink", Custom.ABOUT),
        ("component-type", Custom.COMPONENT_TYPE),
        ("component-type:guest", Custom.COMPONENT_TYPE),
        ("wasmedge", Custom.NATIVE_CODE),
        ("producers", Custom.ABOUT),
        ("build_id", Custom.ABOUT),
        *((name, Custom.OTHER) for name in ("", "reloc", "names", "linking.x", "dylink.1", None)),
    ],
)
def test_a_section_is_known_by_its_name(name: str | None, kind: Custom) -> None:
    assert custom_kind(name) is kind
    assert (kind in DESCRIBE_CODE) == (name in _DESCRIBING)


_DESCRIBING = {
    *(".debug_info", "metadata.code.branch_hint", "external_debug_info", "sourceMappingURL"),
}
