"""Models, and what hosts do with them."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN701",
        Severity.ERROR,
        "the model is truncated or broken",
        "The file begins like a model but ends too early, or contradicts itself.",
        "Download or export the model again. OpenVINO's weights must be beside the XML file, under "
        "the same name with `.bin`.",
    ),
    Code(
        "NN702",
        Severity.ERROR,
        "the file is not a model in a known format",
        "Known formats are ONNX, OpenVINO's IR, TensorFlow Lite, GGUF, TorchScript, and "
        "TensorFlow's frozen graphs and SavedModels. They are recognised by content.",
        "Name the file that the guest passes to `load` first; of OpenVINO's two files, that is the "
        "XML. Export PyTorch models with `torch.jit.save`, and Keras models to TensorFlow Lite or "
        "ONNX.",
    ),
    Code(
        "NN711",
        Severity.ERROR,
        "the host does not support the model's format",
        "No build of this release has a backend for the format. `load` returns an error.",
        "Convert the model to a format that the host supports (`nnshim hosts HOST` lists them), or "
        "choose another host.",
    ),
    Code(
        "NN712",
        Severity.CONDITION,
        "the host supports the model's format only under another encoding",
        "The host has no ONNX backend. Its OpenVINO backend reads ONNX models if the guest passes "
        "them to `load` with the encoding of OpenVINO and an empty second part. A guest that "
        "loads the model with the encoding of ONNX gets an error.",
        "Convert the model to OpenVINO's IR, or have the guest load it with OpenVINO's encoding.",
    ),
    Code(
        "NN713",
        Severity.CONDITION,
        "the released host lacks the model's backend",
        "The host's source has a backend for the format, but the released program is built without "
        "it.",
        "Build the host with it, as the message says, convert the model, or choose another host.",
    ),
    Code(
        "NN714",
        Severity.NEED,
        "the host needs a backend for this model",
        "The host supports the format only if it is built with the backend, or if the plugin is "
        "installed.",
        "`nnshim check --explain` says how, and which library the device needs.",
    ),
    Code(
        "NN721",
        Severity.ERROR,
        "the host does not take an input of the model",
        "The host's backend does not take this input type, wasi-nn has no number for it, or it "
        "crashes the host. `set_input` fails, or the model gets wrong data.",
        "Convert the model so that its inputs are 32-bit floats, which every host takes, or choose "
        "another host.",
    ),
    Code(
        "NN722",
        Severity.ERROR,
        "the guest cannot express the type of an input",
        "The guest uses an older ABI, which has no number for the type of the model's input.",
        "Build the guest for today's ABI, or convert the model so that its inputs are 32-bit "
        "floats.",
    ),
    Code(
        "NN723",
        Severity.ERROR,
        "the host cannot return an output of the model",
        "The host returns outputs of some types wrong, without an error, or fails if an output has "
        "no dimensions.",
        "Convert the model so that its outputs are 32-bit floats and have dimensions, or choose "
        "another host.",
    ),
    Code(
        "NN724",
        Severity.CONDITION,
        "the host treats quantised tensors as floats",
        "For quantised models, the host takes 32-bit floats as inputs and quantises them itself, "
        "and returns outputs as floats. A guest that passes bytes gets an error or a wrong result.",
        "Check that the guest passes and reads floats, or convert the model.",
    ),
    Code(
        "NN725",
        Severity.CONDITION,
        "the host converts inputs or outputs",
        "The host takes an input in a different type than the model has, or returns an output as "
        "32-bit floats. A guest that expects the model's type misreads the data.",
        "Check that the guest passes and reads what the message says, or convert the model.",
    ),
    Code(
        "NN727",
        Severity.CONDITION,
        "an output of the model is not a tensor of numbers",
        "The output is a sequence, a map, or consists of strings. No host returns such an output "
        "through `get_output`.",
        "Check that the guest does not read it, or convert the model (in skl2onnx, set `zipmap` to "
        "false).",
    ),
    Code(
        "NN731",
        Severity.ERROR,
        "the host does not take this number or shape of inputs",
        "The host takes only images, or keeps only one input: `set_input` fails, the host ends, or "
        "the answer is wrong.",
        "Convert the model, or choose another host or release.",
    ),
    Code(
        "NN732",
        Severity.CONDITION,
        "the host treats inputs as channels-last images",
        "Whatever the guest's dimensions say, the host reads the values as rows, columns, channels "
        "(NHWC), and reorders them to channels-first (NCHW) for the model. Values in any other "
        "order give a wrong result without an error.",
        "Check that the guest passes images in NHWC order, or choose a newer release.",
    ),
    Code(
        "NN733",
        Severity.CONDITION,
        "the host takes only one shape of an input",
        "The model leaves dimensions of the input open, but the host takes only the shape in the "
        "file, or only a certain number of dimensions.",
        "Check that the guest passes tensors of that shape, or fix the shape in the model.",
    ),
    Code(
        "NN742",
        Severity.CONDITION,
        "the model can only be loaded by name, or its weights are in other files",
        "`load` cannot load the model: its weights are in other files, and `load` takes only "
        "bytes; or the model does not fit into a guest's memory. Some hosts look for the weights "
        "in their working directory.",
        "Have the guest load it by name (`load_by_name`), or put everything into one file: "
        "`onnx.save` does so for models of less than 2 GB.",
    ),
    Code(
        "NN743",
        Severity.ERROR,
        "the guest cannot load the model",
        "The model can only be loaded by name, because its weights are in other files or because "
        "it does not fit into a guest's memory, and the guest does not import `load_by_name`.",
        "Put everything into one file (`onnx.save` does so for models of less than 2 GB), or have "
        "the guest load it by name.",
    ),
    Code(
        "NN744",
        Severity.NOTE,
        "operators are not checked",
        "The verdict covers the model's format, its inputs and outputs, and where its weights "
        "are. It does not cover operators: only loading the model shows whether the host's NN "
        "runtime supports all of them.",
        "Try the model on the host; `nnshim run` tries it with the newest NN runtimes.",
    ),
    Code(
        "NN745",
        Severity.CONDITION,
        "the model's weights are missing",
        "OpenVINO's IR consists of two files, but there is no `.bin` beside the XML file. Only "
        "the XML was checked: nnshim knows nothing of the weights that the guest passes. If they "
        "have the wrong length, hosts refuse the model or crash.",
        "Put both into one folder, under the same name.",
    ),
    Code(
        "NN746",
        Severity.UNSEEN,
        "it is unknown which types the model or the host takes",
        "The file does not state the types of its inputs (TorchScript files do not), or it is "
        "unknown which types or formats the host's backend takes.",
        "Try the model on the host.",
    ),
    Code(
        "NN747",
        Severity.CONDITION,
        "on this host, the model takes no configuration",
        "The host passes the configuration of `load_by_name_with_config` to the backend as an "
        "additional part of the model. Only the backends of language and speech models read it; "
        "the others return an error because they expect a different number of parts.",
        "Nothing, if the configuration is empty. Have the guest call `load_by_name` for such "
        "models.",
    ),
    Code(
        "NN748",
        Severity.CONDITION,
        "the guest never loads a model of this format",
        "Every call of `load` passes a constant encoding. None of these encodings means the "
        "model's format in the guest's or the host's numbering, but one of them does in another "
        "numbering. The host treats the model as another format, and refuses it.",
        "Name the model that the guest was written for, or fix the encoding that the guest passes.",
    ),
    Code(
        "NN749",
        Severity.CONDITION,
        "the guest never passes the type that the model takes",
        "Every call of `set_input` passes a constant tensor type. None of these types is the "
        "type of this input, in any numbering that the guest can have. The host compares types, "
        "and refuses the tensor.",
        "Name the model that the guest was written for, or fix the type that the guest passes.",
    ),
    Code(
        "NN750",
        Severity.ERROR,
        "the guest cannot load a model of this format",
        "Every call of `load` passes a constant encoding, and no model is loaded by name. None "
        "of the encodings means the model's format in any numbering that a guest can have. Every "
        "host treats the model as another format, and refuses it.",
        "Name the model that the guest was written for, or fix the encoding that the guest passes.",
    ),
    Code(
        "NN751",
        Severity.CONDITION,
        "several inputs have to stay in memory until `compute`",
        "The model has several inputs, and the host's backend reads them from the guest's memory "
        "only at `compute`. A guest that uses one buffer for all of them, or frees one before "
        "`compute`, gets wrong numbers, without an error (`NN249`).",
        "Give each input its own buffer, and leave it unchanged until `compute` returns.",
    ),
    Code(
        "NN752",
        Severity.CONDITION,
        "the model has custom operators",
        "The model names operators that neither its format nor the released NN runtimes define. "
        "A host that has not been given them refuses the model when it is loaded or computed.",
        "Use a host that was built with these operators, or convert the model without them. "
        "`--accept NN752` is for those who have tried it.",
    ),
)
