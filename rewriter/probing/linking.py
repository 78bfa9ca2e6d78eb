"""Measures which functions a host defines, with which types, and how it handles other imports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rewriter.abi.wasi import PREVIEW_0, PREVIEW_1, WASI, WASI_UNSTABLE
from rewriter.probing.command import End
from rewriter.probing.host import Host
from rewriter.probing.measured import Signatures, Unknown

__all__ = [
    "MODULES",
    "TRAPPING",
    "Function",
    "defined",
    "nn_functions",
    "signatures",
    "unknown_imports",
    "wasi_functions",
]

MODULES = ("wasi_ephemeral_nn", "wasi_nn")
"""The names under which guests import wasi-nn."""

_NOBODY = 0x7FFFFFF0
"""A handle that was never returned."""

_AT = 2048
"""An address and a length. The memory after it is large enough for any WASI structure, so a call of
a defined function returns."""

_NO_FD = 999

_FLAGS: dict[str, tuple[int, ...]] = {
    "fd_advise": (3,),
    "fd_fdstat_set_flags": (1,),
    "fd_filestat_set_times": (3,),
    "fd_seek": (2,),
    "path_filestat_get": (1,),
    "path_filestat_set_times": (1, 6),
    "path_link": (1,),
    "path_open": (1, 4, 7),
    "poll_oneoff": (2,),
    "sock_accept": (1,),
    "sock_recv": (3,),
    "sock_send": (3,),
    "sock_shutdown": (1,),
}
"""The parameters of WASI functions that are flags, values of an enumeration or, in poll_oneoff, the
number of subscriptions. Some hosts trap on undefined values."""

_NN: dict[str, tuple[tuple[int, ...], ...]] = {
    "load": ((_AT, 1, 77, 0, _AT), (_AT, 77, 0, _AT)),
    "load_by_name": ((_AT, 1, _AT),),
    "load_by_name_with_config": ((_AT, 1, _AT, 1, _AT),),
    "init_execution_context": ((_NOBODY, _AT),),
    "set_input": ((_NOBODY, 0, _AT),),
    "compute": ((_NOBODY,),),
    "get_output": ((_NOBODY, 0, _AT, 64, _AT), (_NOBODY, 0, _AT, _AT)),
    "compute_single": ((_NOBODY,),),
    "get_output_single": ((_NOBODY, 0, _AT, 64, _AT),),
    "fini_single": ((_NOBODY,),),
    "unload": ((_NOBODY,),),
    "finalize_execution_context": ((_NOBODY,),),
}
"""The functions that guests import, each with arguments that make the call fail: those of the
specification and, where they differ, those of WAMR's older ABI."""


TRAPPING = frozenset(("proc_raise",))
"""WASI functions that may end a guest like a call of an undefined function."""


class Function(NamedTuple):
    """An imported function, with the arguments of a harmless call."""

    module: str
    name: str
    parameters: tuple[str, ...]
    results: tuple[str, ...]
    arguments: tuple[int, ...]

    def text(self, number: int) -> str:
        """The import in the text format, as function `$f{number}`."""
        types = (("param", self.parameters), ("result", self.results))
        signature = " ".join(f"({word} {' '.join(each)})" for word, each in types if each)
        return f'(import "{self.module}" "{self.name}" (func $f{number} {signature}))'

    @property
    def call(self) -> str:
        """A call of function 0 that reports its result."""
        pairs = zip(self.parameters, self.arguments, strict=True)
        made = f"(call $f0 {' '.join(f'({kind}.const {value})' for kind, value in pairs)})"
        return f'(call $tell (i32.const "errno") {made})' if self.results else made


def unknown_imports(host: Host) -> Unknown | None:
    """What the host does with an undefined import."""
    nobody = Function("nnprobe", "nobody_defines_this", ("i32",), ("i32",), (1,))
    return _when_called(host, nobody)


def _when_called(host: Host, function: Function) -> Unknown | None:
    """What happens to a module that calls an import; None if it hangs without an answer."""
    answers = host.plain(_calling(function))
    if answers.end is End.HANGS and not answers.started:
        return None
    if not answers.started:
        return Unknown.REFUSED
    return Unknown.ANSWERS if answers.end is None else Unknown.TRAPS


def _calling(function: Function) -> str:
    return (
        f"{function.text(0)}\n"
        '(func (export "_start") (call $tell (i32.const "start") (i32.const 1))'
        f' {function.call} (call $tell (i32.const "end") (i32.const 1)))'
    )


def defined(host: Host, functions: Sequence[Function], unknown: Unknown | None) -> set[Function]:
    """The functions that the host defines. If it links undefined functions, these are the ones
    whose call does not trap. Empty if even an undefined function returns."""
    if unknown is Unknown.REFUSED:
        return set(_linked(host, functions))
    if unknown is not Unknown.TRAPS:
        return set()
    ends = host.each(lambda each: host.plain(_calling(each)).end, functions)
    return {each for each, end in zip(functions, ends, strict=True) if end not in _TRAPPED}


_TRAPPED = (End.TRAPS, End.UNCLEAR)
"""How a call of an undefined function ends. No known host aborts on these calls if it defines the
function: it returns an errno."""


def _linked(host: Host, functions: Sequence[Function]) -> Iterable[Function]:
    """The functions with which a module links, found by bisection."""
    if not functions:
        return ()
    imports = "\n".join(each.text(number) for number, each in enumerate(functions))
    start = '(func (export "_start") (call $tell (i32.const "start") (i32.const 1)))'
    if host.plain(f"{imports}\n{start}").started:
        return functions
    if len(functions) == 1:
        return ()
    middle = len(functions) // 2
    return (*_linked(host, functions[:middle]), *_linked(host, functions[middle:]))


def nn_functions(module: str) -> list[Function]:
    """All wasi-nn functions of an import module, with two variants of `load` and `get_output`."""
    return [
        Function(module, name, ("i32",) * len(arguments), ("i32",), arguments)
        for name, ways in _NN.items()
        for arguments in ways
    ]


def signatures(host: Host, functions: Iterable[Function]) -> Signatures | None:
    """When the host compares an import's type with its function's type, tried with a 64-bit
    parameter where the function has a 32-bit one."""
    function = next((each for each in functions if each.name == "compute"), None)
    if function is None:
        return None
    wrong = _when_called(host, function._replace(parameters=("i64",)))
    return wrong and Signatures[_CHECKED[wrong]]


_CHECKED = {Unknown.REFUSED: "AT_LINK", Unknown.TRAPS: "AT_CALL", Unknown.ANSWERS: "NEVER"}


def wasi_functions() -> list[Function]:
    """The functions of WASI 0.1 and of the version before, except proc_exit, which ends the
    process."""
    versions = ((WASI, PREVIEW_1), (WASI_UNSTABLE, PREVIEW_0))
    return [
        Function(module, name, kind.params, kind.results, _harmless(name, kind.params))
        for module, functions in versions
        for name, kind in functions.items()
        if name != "proc_exit"
    ]


def _harmless(name: str, kinds: Sequence[str]) -> tuple[int, ...]:
    """Harmless arguments: a descriptor that is not open, no flags, no subscriptions, no signal, and
    otherwise an address or a length."""
    arguments = [_AT if kind == "i32" else 0 for kind in kinds]
    for place in _FLAGS.get(name, ()):
        arguments[place] = 0
    if name.startswith(("fd_", "path_", "sock_")) and name != "path_symlink":
        arguments[0] = _NO_FD
    if name.startswith(("clock_", "proc_raise")):
        arguments[0] = 0
    return tuple(arguments)
