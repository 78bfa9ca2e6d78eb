"""Which functions a host defines, with which types, and what it does where they do not fit."""

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
"""A handle that nobody has given out."""

_AT = 2048
"""An address, and a length: from there on there is as much memory as any structure of WASI takes,
so that a call which a host defines comes back."""

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
"""Where WASI's functions take flags, numbers of an enumeration or, in poll_oneoff, the count of
what is waited for: some hosts trap at values that mean nothing."""

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
"""The functions that guests import, and arguments with which a call is refused: those of the
specification, and those of WAMR's older ABI where they are others."""


TRAPPING = frozenset(("proc_raise",))
"""Functions of WASI that may end a guest as the call of one that is not defined does."""


class Function(NamedTuple):
    """An import, and the arguments of a call that does no harm."""

    module: str
    name: str
    parameters: tuple[str, ...]
    results: tuple[str, ...]
    arguments: tuple[int, ...]

    def text(self, number: int) -> str:
        """The import, as the function of a number."""
        types = (("param", self.parameters), ("result", self.results))
        signature = " ".join(f"({word} {' '.join(each)})" for word, each in types if each)
        return f'(import "{self.module}" "{self.name}" (func $f{number} {signature}))'

    @property
    def call(self) -> str:
        """Of the function of number 0; its result is told."""
        pairs = zip(self.parameters, self.arguments, strict=True)
        made = f"(call $f0 {' '.join(f'({kind}.const {value})' for kind, value in pairs)})"
        return f'(call $tell (i32.const "errno") {made})' if self.results else made


def unknown_imports(host: Host) -> Unknown | None:
    """What the host does with an import that nobody defines."""
    nobody = Function("nnprobe", "nobody_defines_this", ("i32",), ("i32",), (1,))
    return _when_called(host, nobody)


def _when_called(host: Host, function: Function) -> Unknown | None:
    """What becomes of a module that calls an import; None where it says nothing."""
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
    """Those that the host defines. On one that links what it does not define, those whose call
    comes back, or ends the host; empty where an unknown one does too."""
    if unknown is Unknown.REFUSED:
        return set(_linked(host, functions))
    if unknown is not Unknown.TRAPS:
        return set()
    ends = host.each(lambda each: host.plain(_calling(each)).end, functions)
    return {each for each, end in zip(functions, ends, strict=True) if end not in _TRAPPED}


_TRAPPED = (End.TRAPS, End.UNCLEAR)
"""How the call of a function ends that is not defined. No host is known that aborts at the calls
here, which are refused with an errno."""


def _linked(host: Host, functions: Sequence[Function]) -> Iterable[Function]:
    """Those with which a module is not refused, found by halves."""
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
    """All of wasi-nn that a guest may import from a module, `load` and `get_output` in two ways."""
    return [
        Function(module, name, ("i32",) * len(arguments), ("i32",), arguments)
        for name, ways in _NN.items()
        for arguments in ways
    ]


def signatures(host: Host, functions: Iterable[Function]) -> Signatures | None:
    """When the host compares the type of an import with that of its function: tried with one that
    takes a 64-bit integer in place of another."""
    function = next((each for each in functions if each.name == "compute"), None)
    if function is None:
        return None
    wrong = _when_called(host, function._replace(parameters=("i64",)))
    return wrong and Signatures[_CHECKED[wrong]]


_CHECKED = {Unknown.REFUSED: "AT_LINK", Unknown.TRAPS: "AT_CALL", Unknown.ANSWERS: "NEVER"}


def wasi_functions() -> list[Function]:
    """Those of WASI 0.1 and of the version before, all but proc_exit, which ends the process."""
    versions = ((WASI, PREVIEW_1), (WASI_UNSTABLE, PREVIEW_0))
    return [
        Function(module, name, kind.params, kind.results, _harmless(name, kind.params))
        for module, functions in versions
        for name, kind in functions.items()
        if name != "proc_exit"
    ]


def _harmless(name: str, kinds: Sequence[str]) -> tuple[int, ...]:
    """A descriptor that is not open, no flags, no subscriptions, no signal; else an address or a
    length."""
    arguments = [_AT if kind == "i32" else 0 for kind in kinds]
    for place in _FLAGS.get(name, ()):
        arguments[place] = 0
    if name.startswith(("fd_", "path_", "sock_")) and name != "path_symlink":
        arguments[0] = _NO_FD
    if name.startswith(("clock_", "proc_raise")):
        arguments[0] = 0
    return tuple(arguments)
