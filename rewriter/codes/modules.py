"""What a module is, what it imports, and what it carries along."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN101",
        Severity.ERROR,
        "not WebAssembly",
        "The file is empty, or does not start with the four bytes of WebAssembly's binary format, "
        "`\\0asm`.",
        "Check that the file is the one you meant. Text (`.wat`) is assembled if the file's name "
        "ends so, or if it looks like text. Archives and compressed files have to be unpacked "
        "first.",
    ),
    Code(
        "NN102",
        Severity.ERROR,
        "the module is truncated",
        "The file ends, or a section does, before what it announces.",
        "Build the module or fetch it again; a download or a copy was probably cut short.",
    ),
    Code(
        "NN103",
        Severity.ERROR,
        "the module is malformed",
        "The bytes at the offset do not follow WebAssembly's binary format.",
        "Build the module or fetch it again. `wasm-tools validate` and `wasm-tools dump` show more "
        "of what is there.",
    ),
    Code(
        "NN104",
        Severity.ERROR,
        "the module has more of something than engines take",
        "Engines limit how many types, functions, imports, exports and sections a module may have, "
        "and nnshim takes no more: what it works on takes memory for each. Of imports from "
        "wasi-nn, and of adapters, it takes a thousand.",
        "Split the module, or have the linker remove what is not used (`--gc-sections`).",
    ),
    Code(
        "NN105",
        Severity.ERROR,
        "this is a component",
        "The file is a component (WASI 0.2 and later), and nnshim works on core modules only.",
        "Work on the core module before it is made into a component.",
    ),
    Code(
        "NN106",
        Severity.ERROR,
        "this is an object file, or has the sections of one",
        "The module has sections for a linker, whose relocations and symbols would no longer match "
        "after a rewrite. An object file, which is not linked yet and imports "
        "`env.__linear_memory`, runs nowhere. A module that was linked with `--emit-relocs` runs "
        "as it is.",
        "Link an object file first, then rewrite or run the result. From a module that is linked, "
        "`--drop-linking` takes these sections off.",
    ),
    Code(
        "NN107",
        Severity.ERROR,
        "this is a precompiled artifact",
        "The file is machine code that an engine has compiled a module to, such as Wasmtime's "
        "`.cwasm` or WAMR's `.aot`. The imports in it cannot be changed.",
        "Rewrite the `.wasm` that it was compiled from, and compile that again.",
    ),
    Code(
        "NN108",
        Severity.ERROR,
        "the module is not valid",
        "The module can be read, and `wasm-tools validate` (for `nnshim run`, wasmtime) refuses "
        "it, so that no engine would run it.",
        "Build the module again. With `--no-validate`, imports are renamed all the same, and the "
        "result is as invalid as before.",
    ),
    Code(
        "NN109",
        Severity.ERROR,
        "the text does not assemble",
        "`wasm-tools parse` refuses a module in the text format. The message has the line and the "
        "column.",
        "Mend the text there.",
    ),
    Code(
        "NN110",
        Severity.ERROR,
        "the module is signed",
        "The module has a signature, which would not hold for any other bytes.",
        "Rewrite it before it is signed, or take the signature off with `--drop-signature` and "
        "sign the result.",
    ),
    Code(
        "NN111",
        Severity.ERROR,
        "the module has an instruction that is not known",
        "Adapting a module means finding every place where it names a function. After an "
        "instruction that this release of nnshim does not know, that is not possible, because "
        "nobody can say where it ends.",
        "Build the module without the proposal that the instruction belongs to, or use a newer "
        "release of nnshim. Renaming alone does not read code.",
    ),
    Code(
        "NN112",
        Severity.ERROR,
        "a reference points to a function that does not exist any more",
        "The module refers to a function by an index that belongs to an adapter, or to nothing at "
        "all. After the rewrite it would be another function.",
        "Build the module again, and adapt that.",
    ),
    Code(
        "NN121",
        Severity.ERROR,
        "an adapter was changed by another tool",
        "The module was adapted by nnshim, and something (an optimiser, for instance) has changed "
        "an adapter since. It cannot be told apart from the guest's own code with certainty, so it "
        "is neither removed nor replaced, and adapting once more would translate every call twice.",
        "Adapt the module as it was before the other tool, and run that tool before nnshim.",
    ),
    Code(
        "NN122",
        Severity.ERROR,
        "an adapter is of a generation that is not known",
        "The module was adapted by another release of nnshim, whose adapters this one cannot "
        "recognise byte for byte.",
        "Use the release that has put it in, or a newer one.",
    ),
    Code(
        "NN123",
        Severity.ERROR,
        "the adapters are for a guest of another ABI",
        "`--guest-abi` names an ABI, and the module has adapters that only a guest of another one "
        "would have.",
        "Leave `--guest-abi` out: adapters tell the guest's ABI by themselves.",
    ),
    Code(
        "NN131",
        Severity.NOTE,
        "a function's type shows the ABI",
        "Evidence. `load` and `get_output` have other types in WAMR's older ABI than in the "
        "specification's.",
        "Nothing. If the module is known to be of another ABI, say so with `--guest-abi`.",
    ),
    Code(
        "NN132",
        Severity.NOTE,
        "an imported extension shows the ABI",
        "Evidence. Only WasmEdge's extension of the specification has this function.",
        "Nothing.",
    ),
    Code(
        "NN133",
        Severity.NOTE,
        "another import shows the ABI",
        "Evidence of the weaker kind. The functions that are imported under this name have the "
        "same types in every ABI; those under the other name do not, and one module is assumed to "
        "have one ABI.",
        "If that is wrong, say which ABI it is with `--guest-abi`.",
    ),
    Code(
        "NN134",
        Severity.NOTE,
        "nothing shows the ABI",
        "Neither `load` nor `get_output` is imported, and the other functions have the same types "
        "in every ABI. The module name decides: `wasi_ephemeral_nn` is taken for the "
        "specification's ABI, `wasi_nn` for WAMR's older one.",
        "If that is wrong, say which ABI it is with `--guest-abi`.",
    ),
    Code(
        "NN135",
        Severity.NOTE,
        "the ABI was given",
        "Evidence. `--guest-abi`, or `guest_abi` in Python, says which ABI the module is of.",
        "Nothing.",
    ),
    Code(
        "NN136",
        Severity.UNSEEN,
        "the ABI is a guess",
        "What the verdict says holds if the ABI is the one that is assumed. The imports do not "
        "show it.",
        "`nnshim inspect` has what the guess rests on. Name the ABI with `--guest-abi` to be sure.",
    ),
    Code(
        "NN137",
        Severity.UNSEEN,
        "the numbers of tensor types are a guess",
        "Until August 2023, wasi-nn numbered the types of tensors in another way, and a function's "
        "type shows nothing of that. Constants that reach `set_input` would, and could not be "
        "seen in this module, or not in all calls. The numbers of today are assumed.",
        "If the guest was built with older bindings, such as crate wasi-nn up to 0.5, name its ABI "
        "with `--guest-abi witx-2022`.",
    ),
    Code(
        "NN138",
        Severity.UNSEEN,
        "the numbers of encodings are a guess",
        "A function's type does not show which numbers the guest passes to `load` for a model's "
        "format. Where the host has others than the specification, the guest is taken to have been "
        "built for the host, and its numbers are left as they are. If it was not, the host takes a "
        "model for one of another format, and most likely refuses it.",
        "Say what the guest was built with: `--from wasi-nn@0.6`, for the Rust crate, or "
        "`--guest-abi witx`. A rewrite then translates the numbers.",
    ),
    Code(
        "NN139",
        Severity.UNSEEN,
        "whether a NUL stands behind names is a guess",
        "WAMR up to 2.4.5 refuses the name of a graph, or its configuration, if no NUL stands "
        "behind it. A guest of WAMR's own ABI is taken to have been built for such a host, and "
        "imports do not show whether it was: strings in Rust, for one, have no NUL.",
        "If it was built for a host that wants a NUL, say so with `--from`; string literals in C "
        "have one. Else put a NUL behind names in the guest.",
    ),
    Code(
        "NN140",
        Severity.UNSEEN,
        "the release of WAMR that it was built for is not known",
        "A guest of WAMR's older ABI was built for a host with that ABI, of which there are "
        "releases with different numbers for errors (1.1.1, 2.1.1, 2.4.0) and encodings (1.1.1, "
        "1.2.0, 2.1.1). A function's type shows nothing of that. A host with that ABI is assumed "
        "to be the one that the guest was built for, so that nothing is adapted; towards any other "
        "host the numbers since 2.4.0 are assumed.",
        "Nothing, for a guest that only tells success from failure, and loads TensorFlow Lite "
        "models as encoding 4. Otherwise name the release, `--from wamr-legacy@2.3.1`, or the ABI, "
        "`--guest-abi wamr-2.1-legacy`; `nnshim hosts` lists both.",
    ),
    Code(
        "NN141",
        Severity.CONDITION,
        'no memory is exported as "memory"',
        "Most hosts read a guest's tensors from the memory that the guest exports under the name "
        "`memory`. This module has none, so that calls of wasi-nn fail or trap there. WasmEdge "
        "takes the first memory, whatever is exported, and WAMR refuses such a module (`NN219`).",
        "Export it: `wasm-ld` does so by default, `--export-memory` makes sure; in text, "
        '`(memory (export "memory") 1)`.',
    ),
    Code(
        "NN142",
        Severity.ERROR,
        "the ABI is not known",
        "The types of `load` and `get_output` fit no ABI of wasi-nn that nnshim knows.",
        "Compare them with the table of ABIs in docs/hosts.md. The bindings that the guest was "
        "built with are probably for something other than wasi-nn.",
    ),
    Code(
        "NN143",
        Severity.ERROR,
        "a function is not one of the ABI",
        "The module imports a function from wasi-nn that the ABI does not have, or that has "
        "another type there. No host would link it.",
        "Correct the declaration in the guest, or name the ABI that it was written for with "
        "`--guest-abi`.",
    ),
    Code(
        "NN144",
        Severity.ERROR,
        "an import from wasi-nn is not a function",
        "The module imports a memory, a table, a global or a tag from wasi-nn. Hosts define "
        "functions only.",
        "Correct the guest: it declares under wasi-nn's name something that belongs to another "
        "module.",
    ),
    Code(
        "NN145",
        Severity.NOTE,
        "constants show which numbers the guest has",
        "Evidence. A tensor type that reaches `set_input` exists in one numbering only, or has the "
        "size of an element in one only. Or a type or an encoding means in one numbering only what "
        "a model takes that is named with `--model`.",
        "Nothing. If the module is known to be of another ABI, say so with `--guest-abi`.",
    ),
    Code(
        "NN146",
        Severity.CONDITION,
        "a constant means one thing or another",
        "The module passes a number that has been given two meanings, such as tensor type 2, which "
        "was u8 until August 2023 and has been f64 since, and nothing else in it tells which one "
        "it means. The host knows one of them: if that is the other, `set_input` fails or the "
        "results are wrong.",
        "Name the guest's models with `--model`, which may tell, or say what it was built with: "
        "`--guest-abi witx` for today's numbers, which crate "
        "wasi-nn has since 0.6, and `--guest-abi witx-2022` for those of before. A rewrite then "
        "translates them.",
    ),
)
