"""What a profile does not say of a host, or says that no row of the table does."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN801",
        Severity.CONDITION,
        "what the module depends on was not measured",
        "The profile says nothing of something that decides whether the module's calls do what "
        "they are meant to do, such as the numbers of tensor types. It is taken for neither.",
        "Measure it with `nnshim probe`, or look it up in the host's source and add it to the "
        "profile.",
    ),
    Code(
        "NN802",
        Severity.UNSEEN,
        "not all that the module may depend on was measured",
        "The profile says nothing of some numbers or habits of the host. A module that makes no "
        "use of them runs all the same.",
        "Measure them with `nnshim probe`, or look them up in the host's source and add them to "
        "the profile.",
    ),
    Code(
        "NN803",
        Severity.UNSEEN,
        "some faults of a guest end the host's process",
        "When the host was measured, its process ended as a whole after these calls, instead of "
        "returning an errno to the guest, or stopping the guest alone.",
        "Check in the guest what it passes, and run no others in the same process.",
    ),
    Code(
        "NN804",
        Severity.CONDITION,
        "outputs are counted in another unit than guests and adapters know",
        "Guests count all outputs alike, and adapters count those of OpenVINO's models in bytes, "
        "and the others either in bytes or in floats. The host does otherwise with some backends: "
        "a guest that uses them takes the length of an output for another one.",
        "Do not use these backends on the host.",
    ),
    Code(
        "NN805",
        Severity.NOTE,
        "the host registers a second name with another layout",
        "A profile is used for one layout of wasi-nn's functions. The host registers the other "
        "name too, in another layout, which guests are not adapted to.",
        "Nothing has to be done: guests are adapted to the first name.",
    ),
)
