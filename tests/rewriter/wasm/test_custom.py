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
        ("external_debug_info", Custom.CODE_METADATA),
        ("sourceMappingURL", Custom.SOURCE_MAP),
        ("signature", Custom.SIGNATURE),
        ("signature_delimiter", Custom.SIGNATURE),
        ("name", Custom.NAMES),
        ("nnshim", Custom.PADDING),
        ("nnshim.record", Custom.RECORD),
        *((name, Custom.OTHER) for name in ("producers", "", "reloc", "names", "linking.x", None)),
    ],
)
def test_a_section_is_known_by_its_name(name: str | None, kind: Custom) -> None:
    assert custom_kind(name) is kind
    assert (kind in DESCRIBE_CODE) == (name in _DESCRIBING)


_DESCRIBING = {
    *(".debug_info", "metadata.code.branch_hint", "external_debug_info", "sourceMappingURL"),
}
