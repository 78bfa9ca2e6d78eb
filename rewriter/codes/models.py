"""Models, and what hosts do with them."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN701",
        Severity.ERROR,
        "the model is cut off or broken",
        "The file begins as a model does, and ends too early, or contradicts itself.",
        "Download or export the model again. OpenVINO's weights belong beside the XML file, in one "
        "of the same name with `.bin`.",
    ),
    Code(
        "NN702",
        Severity.ERROR,
        "the file is not a model in a known format",
        "Known are ONNX, OpenVINO's IR, TensorFlow Lite, GGUF, TorchScript, and TensorFlow's "
        "frozen graphs and SavedModels, each by its content.",
        "Name the file that the guest passes first to `load`: of OpenVINO's two files that is the "
        "XML. Export PyTorch's models with `torch.jit.save`, and Keras's to TensorFlow Lite or "
        "ONNX.",
    ),
)
