"""What is installed here, and whether it works."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN501",
        Severity.NOTE,
        "a backend cannot be used",
        "The NN runtime for this format is not installed, or cannot be imported. The message has "
        "the reason.",
        "Run the line that the message ends with, if you need this format.",
    ),
    Code(
        "NN502",
        Severity.ERROR,
        "a device gives a wrong result",
        "A small model whose answer is known was run on this device, and the answer was another "
        "one.",
        "Do not use the device. Update its driver and the NN runtime, and try again.",
    ),
    Code(
        "NN503",
        Severity.ERROR,
        "a device does not work",
        "The NN runtime lists this device, and a small model could not be run on it.",
        "Check the driver, or name another device with `--device`.",
    ),
    Code(
        "NN504",
        Severity.NOTE,
        "a device was not tried",
        "nnshim has no model of a few bytes for this format, so the device is listed and was not "
        "tried.",
        "`nnshim bench MODEL` tries it with a model of yours.",
    ),
    Code(
        "NN511",
        Severity.ERROR,
        "a model could not be measured",
        "The model could not be loaded or run on this backend and device. The message has the "
        "reason.",
        "`nnshim doctor` shows what works. `--encoding`, `--backend` and `--input` say what cannot "
        "be detected.",
    ),
)
