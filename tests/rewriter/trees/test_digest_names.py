"""What is named by the digest of its content is not changed."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from rewriter.errors import OutputError
from tests.rewriter.trees.test_archives import tar_of, zip_of
from tests.support.trees import WASM, rewritten


def test_a_blob_of_an_oci_layout_is_not_changed_under_its_digest(tmp_path: Path) -> None:
    blob = tmp_path / "tree" / "layout" / "blobs" / "sha256" / "0123"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(WASM)
    (tmp_path / "tree" / "layout" / "oci-layout").write_text("{}")
    for out in (None, str(tmp_path / "out")):
        assert rewritten([str(tmp_path / "tree")], out) == [(str(blob), "NN001")]
    assert blob.read_bytes() == WASM


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "zip"])
def test_what_is_named_by_its_digest_in_an_archive_is_not_changed(
    suffix: str, tmp_path: Path
) -> None:
    """Or an OCI layout in it would have blobs that are not what they are called."""
    name = f"blobs/sha256/{hashlib.sha256(WASM).hexdigest()}"
    data = zip_of((name, WASM)) if suffix == "zip" else tar_of((name, WASM))
    path = tmp_path / f"in.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix == "tar.gz" else data)
    with pytest.raises(OutputError, match="its name is the digest of what is in it"):
        rewritten([str(path)], str(tmp_path / f"out.{suffix}"))
    assert not (tmp_path / f"out.{suffix}").exists()


def test_what_is_named_by_its_digest_in_a_folder_is_not_changed(tmp_path: Path) -> None:
    """As in the folders that `skopeo copy` writes to `dir:`."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / hashlib.sha256(WASM).hexdigest()).write_bytes(WASM)
    assert len(rewritten([str(tmp_path / "in")], str(tmp_path / "out"))) == 1
    assert list((tmp_path / "out").iterdir()) == []
