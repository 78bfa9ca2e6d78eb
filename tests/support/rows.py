"""A profile against a row of the table: what it has otherwise, and what it does not have."""

from __future__ import annotations

from rewriter.hosts.profiles.compare import differences, facts
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.profiles.profile import FEATURES, Profile
from rewriter.hosts.table import find_host
from rewriter.probing.engine import FEATURES as TRIED

__all__ = ["BY_HAND", "against_the_row", "not_measured"]

BY_HAND = {
    *("most_pages", "stack_bytes", "entry.calls_imported", "entry.gives_arguments"),
    *(f"features.{name}" for name in FEATURES.keys() - {*TRIED}),
}
"""What the probe measures of no host, beside habits that are of other formats."""


def against_the_row(name: str, profile: Profile) -> list[str]:
    return [str(each) for each in differences(profile, from_row(find_host(name)))]


def not_measured(name: str, profile: Profile) -> set[str]:
    """The facts of a row that a profile lacks, but for those of backends that it lacks."""
    known = {f"backends.{backend.encoding}" for backend in profile.backends}
    return {
        key
        for key in facts(from_row(find_host(name))).keys() - facts(profile).keys()
        if not key.startswith("backends.") or ".".join(key.split(".")[:2]) in known
    }
