"""The numbers of errors, in every ABI."""

from __future__ import annotations

import pytest

from rewriter.abi.dialects import DIALECTS, Errno
from rewriter.abi.numbers import error_code
from runtime_shim.abi.errnos import numbers_of
from tests.support.guest import Guest

OF_WASMEDGE = {errno for errno in Errno if errno > Errno.NOT_FOUND}


@pytest.mark.parametrize("name", DIALECTS)
def test_an_error_has_a_number_that_the_abi_has(name: str) -> None:
    dialect = DIALECTS[name]
    numbers = numbers_of(dialect)
    assert set(numbers) == set(Errno)
    for errno, number in numbers.items():
        if errno in dialect.errnos.values():
            assert dialect.errnos[number] is errno
        elif errno in OF_WASMEDGE:
            assert number == errno
        else:
            assert dialect.errnos[number] is not Errno.SUCCESS


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("witx", (1, 2, 3, 4, 5, 6, 7, 8)),
        ("witx-2021", (1, 1, 2, 3, 3, 1, 2, 1)),
        ("witx-2020", (1, 1, 2, 3, 3, 1, 2, 1)),
        ("witx-2022", (1, 2, 3, 4, 5, 5, 3, 1)),
        ("wamr-1", (1, 2, 3, 4, 5, 5, 3, 1)),
        ("wamr-2.2", (1, 2, 6, 4, 4, 5, 6, 7)),
        ("wamr-2.1-legacy", (1, 2, 6, 4, 4, 5, 6, 7)),
        ("wasmedge", (1, 2, 3, 4, 5, 6, 7, 8)),
    ],
)
def test_the_numbers_of_each_release(name: str, numbers: tuple[int, ...]) -> None:
    meanings = [errno for errno in Errno if Errno.SUCCESS < errno <= Errno.NOT_FOUND]
    assert tuple(numbers_of(DIALECTS[name])[errno] for errno in meanings) == numbers


CODES = (
    *("invalid_argument", "invalid_encoding", "timeout", "runtime_error"),
    *("unsupported_operation", "too_large", "not_found", "security", "unknown"),
)
"""error-code of wasi:nn, in order."""


def test_a_component_gets_the_error_code_with_the_errnos_name() -> None:
    for errno in Errno:
        name = "not_found" if errno is Errno.MODEL_NOT_FOUND else errno.name.lower()
        expected = name if name in CODES else "unknown"
        assert CODES[error_code(errno)] == expected, errno


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(("name", "errno"), [("witx", 2), ("witx-2021", 1)])
def test_a_guest_gets_the_numbers_of_its_abi(name: str, errno: int, plain: bool) -> None:
    """Also a guest that is not run as a host, if it was said to have them."""
    guest = Guest(dialect=DIALECTS[name], plain=plain)
    assert guest.load_model(b"", 77) == errno
