"""What is installed here, and whether it works."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN501",
        Severity.NOTE,
        "a backend cannot be used",
        "The NN runtime for this format, gRPC for models on inference servers, or Ray for clusters "
        "is not installed, or cannot be imported. The message gives the reason.",
        "If you need it, run the command at the end of the message.",
    ),
    Code(
        "NN502",
        Severity.ERROR,
        "a device gives a wrong result",
        "A small model with a known answer gave a different answer on this device.",
        "Do not use the device. Update its driver and the NN runtime, and try again.",
    ),
    Code(
        "NN503",
        Severity.ERROR,
        "a device does not work",
        "The NN runtime lists this device, but a small model could not run on it.",
        "Check the driver, or name another device with `--device`.",
    ),
    Code(
        "NN504",
        Severity.NOTE,
        "a device was not tried",
        "nnshim has no small test model for this format, so the device is listed but was not "
        "tried.",
        "`nnshim bench MODEL` tries it with a model of yours.",
    ),
    Code(
        "NN505",
        Severity.ERROR,
        "Ray has a version that nnshim does not take",
        "nnshim was tried with the versions of Ray in this range. What it calls may be missing in "
        "another one, or do something else.",
        "Run the command at the end of the message, here and on each node of the cluster.",
    ),
    Code(
        "NN511",
        Severity.ERROR,
        "a model could not be measured",
        "The model could not be loaded or run on this backend and device. The message gives the "
        "reason.",
        "`nnshim doctor` shows what works. `--encoding`, `--backend` and `--input` specify what "
        "cannot be detected.",
    ),
)
