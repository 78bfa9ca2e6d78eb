"""What a host has for components, in a profile and in a row of the table."""

from __future__ import annotations

from rewriter.abi.snapshots import RESOURCES, UNVERSIONED, VERSIONED, Components
from rewriter.hosts.host import Host
from rewriter.hosts.profiles.profile import ComponentsProfile

__all__ = ["components_of", "components_profile"]


def components_of(found: ComponentsProfile) -> Components | None:
    """A row's value. None unless the host is known to run components with some wasi:nn."""
    if not (found.runs and found.wasi_nn and found.wasi):
        return None
    known = (RESOURCES, *VERSIONED)
    versions = [each for each in known if each.version in found.wasi_nn]
    *also, newest = versions
    second = [version for version in found.wasi if version.startswith("0.2")]
    return Components(
        newest,
        second[-1] if second else found.wasi[-1],
        any_patch="0.2" in found.wasi,
        may_have_wasi_3=any(version.startswith("0.3") for version in found.wasi),
        also=tuple(also),
        exits_with_code=bool(found.exits_with_code),
    )


def components_profile(row: Host) -> ComponentsProfile:
    """A profile's value. The versions of wasi:nn are left out where one is none of those that the
    probe looks for, such as tensors that are records."""
    has = row.components
    if has is None:
        return ComponentsProfile(runs=False if row.takes_no_components else None)
    is_known = RESOURCES in has.every or not any(each in UNVERSIONED for each in has.every)
    return ComponentsProfile(
        True,
        tuple(dict.fromkeys(each.version for each in has.every)) if is_known else None,
        ("0.2" if has.any_patch else has.wasi, *(("0.3.0",) if has.may_have_wasi_3 else ())),
        has.has_exit_code,
    )
