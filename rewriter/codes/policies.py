"""Policies: what an operator does not allow modules to ask for."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

_REMEDY = (
    "Build the module without it, or allow it in the policy: `{key}` in `[policy]` of "
    "`nnshim.toml`. No rewrite helps, and the code cannot be accepted."
)


def _remedy(key: str) -> str:
    return _REMEDY.format(key=key)


CODES = (
    Code(
        "NN801",
        Severity.ERROR,
        "the policy does not allow a function",
        "The module imports something from wasi-nn that the policy does not list in `functions`. "
        "An import counts, whether it is called or not. If the module was adapted, both the "
        "function that the guest calls and the one that its adapter imports count; before a "
        "rewrite, so does a function that stands in for one that the host lacks.",
        _remedy("functions"),
    ),
    Code(
        "NN802",
        Severity.ERROR,
        "the policy does not allow an import module",
        "The module imports from another module than wasi-nn's that the policy does not list in "
        "`imports`.",
        _remedy("imports"),
    ),
    Code(
        "NN803",
        Severity.ERROR,
        "the policy does not allow an encoding",
        "The module passes an encoding to `load` that the policy does not list in `encodings`. "
        "ABIs number encodings differently, so everything that the number may mean to the guest or "
        "on the host has to be allowed.",
        _remedy("encodings"),
    ),
    Code(
        "NN804",
        Severity.ERROR,
        "the policy does not allow a target",
        "The module passes an execution target to `load` that the policy does not list in "
        "`targets`.",
        _remedy("targets"),
    ),
    Code(
        "NN805",
        Severity.ERROR,
        "the policy does not allow a named graph",
        "According to its data segments, the module asks for a graph by a name that the policy "
        "does not list in `named-graphs`.",
        _remedy("named-graphs"),
    ),
    Code(
        "NN806",
        Severity.ERROR,
        "it is not known whether the policy allows the module",
        "The policy is about something that the module does not show: for example, the encoding "
        "is computed, the function is called indirectly or exported, or the name of a graph is in "
        "memory that the module can overwrite.",
        'Build the module so that it passes constants, or write `unknown = "allow"` in `[policy]` '
        "of `nnshim.toml`: what can be known still has to be allowed.",
    ),
    Code(
        "NN807",
        Severity.NOTE,
        "the policy allows what is not known",
        'Without `unknown = "allow"`, the module would fail with NN806.',
        "Nothing, if you trust the module.",
    ),
)
