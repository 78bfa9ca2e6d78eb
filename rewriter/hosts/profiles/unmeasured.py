"""Reports what a profile does not say although guests may depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rewriter.abi.dialects import Encoding, TensorType
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.profiles.profile import REFUSED, Number, Profile

__all__ = ["unmeasured"]

_DECIDES, _MAY = "NN271", "NN272"


def unmeasured(profile: Profile, *, wants_nul: bool) -> Iterator[Diagnostic]:
    """Diagnostics for each guest that imports the function in question. If `wants_nul`, adapters
    add a NUL after names, which works for any host."""
    if profile.tells_numbers:  # it uses the guest's numbers
        return
    yield from _numbers(
        "load", "encodings", profile.encodings, [each.name.lower() for each in Encoding]
    )
    ignored = any(backend.ignores_types for backend in profile.backends)
    if not ignored or profile.tensor_types:
        types = [each.name.lower() for each in TensorType]
        yield from _numbers("set_input", "tensor types", profile.tensor_types, types)
    if not any(backend.unit for backend in profile.backends):
        message = "it was not measured in which unit get_output counts"
        yield Diagnostic(_DECIDES, message, function="get_output")
    functions = {name for module in profile.modules.values() for name in module.functions}
    if profile.names is None and not wants_nul:
        for function in sorted(functions & {"load_by_name", "load_by_name_with_config"}):
            message = "it was not measured whether names need a NUL after them"
            yield Diagnostic(_DECIDES, message, function=function)
    if "load_by_name_with_config" in functions and not wants_nul and _configuration(profile):
        message = "it was not measured what the host does with a configuration"
        yield Diagnostic(_DECIDES, message, function="load_by_name_with_config")
    if profile.places_output is None:
        message = "it was not measured whether fd_pwrite to standard output works"
        yield Diagnostic(_DECIDES, message, function="fd_pwrite")
    if profile.entry.calls is None:
        yield Diagnostic(_DECIDES, "it was not measured which function the host calls first")
    in_a_byte = any("witx" in module.layouts for module in profile.modules.values())
    if profile.type_bits is None and in_a_byte:
        message = "it was not measured how many bits of a tensor's type the host reads"
        yield Diagnostic(_MAY, message, function="set_input")
    if not (profile.errnos or profile.faults or any(each.faults for each in profile.backends)):
        yield Diagnostic(_MAY, "no errno was measured")


def _configuration(profile: Profile) -> bool:
    """Whether it is unknown what some backend does with a configuration. (If names need a NUL,
    another diagnostic covers all backends but one.)"""
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
        yield Diagnostic(_DECIDES, f"the numbers of {what} were not measured", function=function)
    elif unknown:
        message = f"the numbers of these {what} were not measured: {', '.join(unknown)}"
        yield Diagnostic(_MAY, message, function=function)
