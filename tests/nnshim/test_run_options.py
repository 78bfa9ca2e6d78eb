"""What the options of nnshim run mean."""

from __future__ import annotations

import pytest

from nnshim.run_options import parse_limits
from nnshim.units import parse_size, parse_time, size_text
from rewriter.errors import UsageError

KIB, KB = 1024, 1000


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("123", 123),
        ("123B", 123),
        ("1K", KIB),
        ("1k", KIB),
        ("1KiB", KIB),
        ("1KB", KB),
        ("64M", 64 * KIB**2),
        ("200MiB", 200 * KIB**2),
        ("200MB", 200 * KB**2),
        ("200mb", 200 * KB**2),
        ("1.5G", 3 * KIB**3 // 2),
        ("1.5GB", 3 * KB**3 // 2),
        ("0.1K", 102),
        ("2T", 2 * KIB**4),
        ("2TB", 2 * KB**4),
    ],
)
def test_sizes_are_taken_as_people_write_them(text: str, size: int) -> None:
    assert parse_size("--max-memory", text) == size


@pytest.mark.parametrize(
    "text",
    ["", "M", "-1", "+1", "1.5", "1.5B", "1,5G", ".5G", "1.G", "1 M", "1e3", "1P", "1MBB", "²"],
)
def test_other_texts_are_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(UsageError, match="expected a number of bytes, or one with a unit"):
        parse_size("--max-memory", text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("1e2", 100.0),
        ("-1", -1.0),  # a number that the limit itself refuses
        ("500ms", 0.5),
        ("1s", 1.0),
        ("1.5S", 1.5),
        ("10 s", 10.0),
        ("2m", 120.0),
        ("2min", 120.0),
        ("1h", 3600.0),
    ],
)
def test_times_are_seconds_or_have_a_unit(text: str, seconds: float) -> None:
    assert parse_time("--timeout", text) == seconds


@pytest.mark.parametrize("text", ["", "s", "ms", "1 d", "-1s", "1,5s", "1sm", "soon", "9" * 5000])
def test_other_times_are_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected a time, e\.g\. 500ms"):
        parse_time("--timeout", text)


def test_a_limit_is_a_count_a_size_or_a_time() -> None:
    limits = parse_limits(None, None, None, ["graphs=10", "loading=500ms", "models=1.5M"])
    assert (limits.graphs, limits.loading, limits.models) == (10, 0.5, 3 * KIB**2 // 2)
    with pytest.raises(UsageError, match="--limit graphs 10K: expected a whole number"):
        parse_limits(None, None, None, ["graphs=10K"])


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (9917, "9.7 KiB"),
        (895_311_041, "854 MiB"),
        (3 << 40, "3072 GiB"),
    ],
)
def test_a_size_is_shown_with_a_unit(size: int, text: str) -> None:
    assert size_text(size) == text
