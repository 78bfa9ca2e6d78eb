"""What the options of nnshim run mean."""

from __future__ import annotations

import pytest

from nnshim.run_options import parse_limits, parse_size
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


def test_counts_and_seconds_have_no_unit() -> None:
    limits = parse_limits(None, None, None, ["graphs=10", "loading=0.5", "models=1.5M"])
    assert (limits.graphs, limits.loading, limits.models) == (10, 0.5, 3 * KIB**2 // 2)
    with pytest.raises(UsageError, match="--limit graphs 10K: expected a whole number"):
        parse_limits(None, None, None, ["graphs=10K"])
