"""How artifacts are named."""

from __future__ import annotations

import pytest

from rewriter.errors import InputError, OutputError, UsageError
from rewriter.oci.reference import (
    is_loopback,
    is_same_tag,
    parse_layout_reference,
    parse_registry_reference,
)

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oci://h/a:1", ("h", "a", "1", None)),
        ("oci://h:5000/a/b-c:v1.0_x", ("h:5000", "a/b-c", "v1.0_x", None)),
        (f"oci://[::1]:5000/a@{DIGEST}", ("[::1]:5000", "a", None, DIGEST)),
        (f"oci://h.example/a:1@{DIGEST}", ("h.example", "a", "1", DIGEST)),
    ],
)
def test_a_reference_names_a_host_a_repository_and_a_tag_or_digest(
    text: str, expected: tuple[str, str, str | None, str | None]
) -> None:
    assert parse_registry_reference(text, InputError) == expected
    assert str(parse_registry_reference(text, InputError)) == text


@pytest.mark.parametrize(
    "text",
    [
        "oci://",
        "oci://h",
        "oci://h/A:1",
        "oci://h/a:",
        "oci://h/a:1:2",
        "oci://h/../a:1",
        "oci://h/a?x:1",
        "oci://h/a%2f:1",
        "oci://h/a#b:1",
        "oci://h\\evil/a:1",
        "oci://h /a:1",
        "oci://-h/a:1",
        "oci://h:port/a:1",
        "oci://h/a:1\n",
    ],
)
def test_anything_else_is_an_error_with_a_code(text: str) -> None:
    for kind in (InputError, OutputError):
        with pytest.raises(kind) as raised:
            parse_registry_reference(text, kind)
        assert raised.value.code == "NN021"


def test_a_tag_is_not_implied() -> None:
    with pytest.raises(InputError, match="no tag and no digest: write oci://h/a:TAG"):
        parse_registry_reference("oci://h/a", InputError)


@pytest.mark.parametrize("text", [f"oci://h/a@{DIGEST}", f"oci://h/a:1@{DIGEST}"])
def test_an_output_takes_no_digest(text: str) -> None:
    with pytest.raises(OutputError, match="an output has a tag, and no digest"):
        parse_registry_reference(text, OutputError)
    with pytest.raises(OutputError, match="an output has a tag, and no digest"):
        parse_layout_reference(f"oci-layout:x@{DIGEST}", OutputError)


@pytest.mark.parametrize(
    "text", ["oci://user:secret@h/a:1", "oci://secret@h:1/a", "oci://https://me:secret@h/a:1"]
)
def test_a_password_in_a_reference_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_registry_reference(text, InputError)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("128.0.0.1", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("0.0.0.0", False),
        ("2130706433", False),
        ("[::]", False),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected
    scheme = "http" if expected else "https"
    reference = parse_registry_reference(f"oci://{host}:5000/a:1", InputError)
    assert reference.base == f"{scheme}://{host}:5000"


def test_docker_s_own_registry_has_another_address_and_a_folder_for_official_names() -> None:
    for host in ("docker.io", "index.docker.io"):
        for name, expected in (("a", "library/a"), ("library/a", "library/a"), ("b/a", "b/a")):
            found = parse_registry_reference(f"oci://{host}/{name}:1", InputError)
            assert (found.base, found.repository) == ("https://registry-1.docker.io", expected)
    assert is_same_tag("oci://docker.io/a:1", "oci://index.docker.io/library/a:1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oci-layout:a", ("a", None, None)),
        ("oci-layout:a/b:1", ("a/b", "1", None)),
        ("oci-layout:a:b/c", ("a:b/c", None, None)),
        (f"oci-layout:a@{DIGEST}", ("a", None, DIGEST)),
        (f"oci-layout:a:1@{DIGEST}", ("a", "1", DIGEST)),
        ("oci-layout:a\nb:1", ("a\nb", "1", None)),
    ],
)
def test_a_layout_has_a_path_and_maybe_a_tag(
    text: str, expected: tuple[str, str | None, str | None]
) -> None:
    assert parse_layout_reference(text, InputError) == expected


def test_the_same_tag_is_known_however_it_is_written() -> None:
    assert is_same_tag("oci://h/a:1", f"oci://h/a:1@{DIGEST}")
    assert is_same_tag("oci-layout:x:1", "oci-layout:./x:1")
    assert not is_same_tag("oci://h/a:1", "oci://h/a:2")
    assert not is_same_tag("oci-layout:x:1", "oci-layout:y:1")
