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
    Code(
        "NN711",
        Severity.ERROR,
        "the host does not read the model's format",
        "The host has no backend for the format, in any build of that release. `load` returns "
        "an error.",
        "Convert the model to a format that the host reads (`nnshim hosts HOST` lists them), or "
        "choose another host.",
    ),
    Code(
        "NN712",
        Severity.CONDITION,
        "the host reads the model's format as another's",
        "The host has no backend for ONNX, and its OpenVINO reads ONNX models, too: where the "
        "guest passes the model to `load` as OpenVINO's, with a second part that is empty. A "
        "guest that loads it as ONNX gets an error.",
        "Convert the model to OpenVINO's IR, or have the guest load it as OpenVINO's.",
    ),
    Code(
        "NN713",
        Severity.CONDITION,
        "the model's backend is not in the host as it is released",
        "The host's source has a backend for the format, and the program that is released is "
        "built without it.",
        "Build the host with it, as the message says, convert the model, or choose another host.",
    ),
    Code(
        "NN714",
        Severity.NEED,
        "the host has to have the model's backend",
        "The host reads the format if it is built with the backend, or if its plugin is installed.",
        "`nnshim check --explain` says how, and which library the device needs.",
    ),
    Code(
        "NN721",
        Severity.ERROR,
        "the host does not take an input of the model",
        "The type of the input is one that the host's backend does not take, that wasi-nn does "
        "not have, or that ends the host. `set_input` fails, or what reaches the model is "
        "something else.",
        "Convert the model, so that its inputs are 32-bit floats: every host takes these. Or "
        "choose another host.",
    ),
    Code(
        "NN722",
        Severity.ERROR,
        "the guest cannot say the type of an input",
        "The guest's ABI, an older one, has no number for the type of the model's input.",
        "Build the guest for the ABI of today, or convert the model, so that its inputs are "
        "32-bit floats.",
    ),
    Code(
        "NN723",
        Severity.ERROR,
        "the host does not give an output of the model",
        "The host gives outputs of some types wrong, without an error, or fails where an output "
        "has no dimensions.",
        "Convert the model, so that its outputs are 32-bit floats and have dimensions, or "
        "choose another host.",
    ),
    Code(
        "NN724",
        Severity.CONDITION,
        "quantised tensors are floats there",
        "The host takes 32-bit floats for the quantised inputs of a model, and quantises them "
        "itself; its outputs are floats in the same way. A guest that passes bytes gets an "
        "error or a wrong result.",
        "Check that the guest gives and takes floats, or convert the model.",
    ),
    Code(
        "NN725",
        Severity.CONDITION,
        "the host converts inputs or outputs",
        "The host takes an input in another type than the model has, or gives an output as "
        "32-bit floats. A guest that expects the model's type reads something else.",
        "Check that the guest gives and takes what the message says, or convert the model.",
    ),
    Code(
        "NN727",
        Severity.CONDITION,
        "an output of the model is not a tensor of numbers",
        "The output is a sequence, a map or of strings: no host gives it through `get_output`.",
        "Check that the guest does not ask for it, or convert the model (in skl2onnx, `zipmap` "
        "set to false).",
    ),
    Code(
        "NN731",
        Severity.ERROR,
        "the host does not take the shape of the model's inputs",
        "The host takes images only, or keeps one input only: `set_input` fails, the host ends, "
        "or the answer is wrong.",
        "Convert the model, or choose another host or release.",
    ),
    Code(
        "NN732",
        Severity.CONDITION,
        "the host takes inputs for images whose channels come last",
        "Whatever dimensions the guest gives, the host takes the values in the order of the "
        "rows, the columns and then the channels, and passes them to the model in the order "
        "that it takes for the model's: channels before rows. Values in another order give a "
        "wrong result, without an error.",
        "Check that the guest gives images in this order, or choose a newer release.",
    ),
    Code(
        "NN733",
        Severity.CONDITION,
        "the host takes one shape of an input only",
        "The model leaves dimensions of the input free, and the host takes it in the shape that "
        "stands in the file, or with a certain number of dimensions.",
        "Check that the guest gives tensors of that shape, or set the shape in the model.",
    ),
    Code(
        "NN742",
        Severity.CONDITION,
        "the model can be loaded by its name only, or its weights are elsewhere",
        "The model's weights are in other files, which `load`, whose parts are bytes, cannot be "
        "given, or the model is larger than what a guest's memory holds. Some hosts look for "
        "the files in the folder that they were started in.",
        "Have the guest load it by its name (`load_by_name`), or put all into one file: "
        "`onnx.save` does so for models of less than 2 GB.",
    ),
    Code(
        "NN743",
        Severity.ERROR,
        "the guest cannot load the model",
        "The model can be loaded by its name only, because its weights are in other files or "
        "because it is larger than what a guest's memory holds, and the guest does not import "
        "`load_by_name`.",
        "Put all into one file (`onnx.save` does so for models of less than 2 GB), or have the "
        "guest load it by its name.",
    ),
    Code(
        "NN744",
        Severity.NOTE,
        "operators are not looked at",
        "The verdict counts a model's format, its inputs and outputs and where its weights are. "
        "Whether the host's NN runtime has all of its operators, in its version, is not known "
        "before it is loaded.",
        "Try the model on the host; `nnshim run` tries it with the newest NN runtimes.",
    ),
    Code(
        "NN745",
        Severity.UNSEEN,
        "the model's weights could not be looked at",
        "OpenVINO's IR is two files, and there is none with `.bin` beside the XML file. The XML "
        "alone was looked at.",
        "Put both into one folder, under the same name.",
    ),
    Code(
        "NN746",
        Severity.UNSEEN,
        "what the model or the host takes is not known",
        "The file does not state the types of inputs, as TorchScript's do not, or it has not "
        "been found out which types or formats the host's backend takes.",
        "Try the model on the host.",
    ),
    Code(
        "NN747",
        Severity.CONDITION,
        "the model takes no configuration there",
        "The host passes the configuration of `load_by_name_with_config` to the backend as one "
        "more part of the model. Only those of language and speech models read it; others return "
        "an error, because they want another number of parts.",
        "Nothing, if the configuration is empty. Have the guest call `load_by_name` for such "
        "models.",
    ),
    Code(
        "NN748",
        Severity.CONDITION,
        "the guest does not load the model as what it is",
        "Each call of `load` passes a constant as the encoding, and none is that of the model's "
        "format in the numbers that the guest or the host has. The host takes the model for one "
        "of another format, and refuses it.",
        "Name the model that the guest is written for, or have the guest pass the right encoding.",
    ),
    Code(
        "NN749",
        Severity.CONDITION,
        "the guest does not give the type that the model takes",
        "Each call of `set_input` passes a constant as the type of its tensor, and none is that of "
        "this input of the model in the numbers that the guest can have. The host compares them, "
        "and refuses the tensor.",
        "Name the model that the guest is written for, or have the guest pass the right type.",
    ),
)
