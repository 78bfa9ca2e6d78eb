"""What a profile does not say, and guests may depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rewriter.abi.dialects import Encoding, TensorType
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.profiles.profile import REFUSED, Number, Profile

__all__ = ["unmeasured"]

_DECIDES, _MAY = "NN271", "NN272"


def unmeasured(profile: Profile, *, wants_nul: bool) -> Iterator[Diagnostic]:
    """Of every guest that imports the function which it is about. A host that is taken to want a
    NUL behind names gets it from adapters, which does for any."""
    if profile.tells_numbers:  # it has those of the guest
        return
    yield from _numbers(
        "load", "encodings", profile.encodings, [each.name.lower() for each in Encoding]
    )
    ignored = any(backend.ignores_types for backend in profile.backends)
    if not ignored or profile.tensor_types:
        types = [each.name.lower() for each in TensorType]
        yield from _numbers("set_input", "tensor types", profile.tensor_types, types)
    if not any(backend.unit for backend in profile.backends):
        message = "it was not measured what get_output counts in"
        yield Diagnostic(_DECIDES, message, function="get_output")
    functions = {name for module in profile.modules.values() for name in module.functions}
    if profile.names is None and not wants_nul:
        for function in sorted(functions & {"load_by_name", "load_by_name_with_config"}):
            message = "it was not measured whether a NUL has to follow names"
            yield Diagnostic(_DECIDES, message, function=function)
    if "load_by_name_with_config" in functions and not wants_nul and _configuration(profile):
        message = "it was not measured what becomes of a configuration"
        yield Diagnostic(_DECIDES, message, function="load_by_name_with_config")
    if profile.places_output is None:
        message = "it was not measured whether fd_pwrite to standard output works"
        yield Diagnostic(_DECIDES, message, function="fd_pwrite")
    if profile.entry.calls is None:
        yield Diagnostic(_DECIDES, "it was not measured which function the host begins with")
    in_a_byte = any("witx" in module.layouts for module in profile.modules.values())
    if profile.type_bits is None and in_a_byte:
        message = "it was not measured how many bits of a tensor's type are read"
        yield Diagnostic(_MAY, message, function="set_input")
    if not (profile.errnos or profile.faults or any(each.faults for each in profile.backends)):
        yield Diagnostic(_MAY, "no errno was measured")


def _configuration(profile: Profile) -> bool:
    """Whether it is open what some backend does with one. Where names have to end with a NUL,
    another diagnostic is said of all backends but one."""
    return not profile.backends or any(
        name not in backend.habits
        for backend in profile.backends
        for name in ("unconfigured", "configured_ends")
    )


def _numbers(
    function: str, what: str, numbers: Mapping[str, Number], every: list[str]
) -> Iterator[Diagnostic]:
    unknown = [name for name in every if name not in numbers]
    if not any(number != REFUSED for number in numbers.values()):
        yield Diagnostic(_DECIDES, f"no number of {what} was measured", function=function)
    elif unknown:
        message = f"of {what}, the numbers of {', '.join(unknown)} were not measured"
        yield Diagnostic(_MAY, message, function=function)
