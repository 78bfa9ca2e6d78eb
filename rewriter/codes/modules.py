"""Modules: their format, imports and sections."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN101",
        Severity.ERROR,
        "not WebAssembly",
        "The file is empty, or does not start with WebAssembly's magic number, `\\0asm`.",
        "Check that it is the right file. Text (`.wat`) is assembled if the file name ends in "
        "`.wat` or the content looks like text. Unpack archives and compressed files first.",
    ),
    Code(
        "NN102",
        Severity.ERROR,
        "the module is truncated",
        "The file or a section ends before its announced length.",
        "Build the module or fetch it again; a download or a copy was probably cut short.",
    ),
    Code(
        "NN103",
        Severity.ERROR,
        "the module is malformed",
        "The bytes at the offset do not follow WebAssembly's binary format.",
        "Build the module or fetch it again. `wasm-tools validate` and `wasm-tools dump` show more "
        "details.",
    ),
    Code(
        "NN104",
        Severity.ERROR,
        "the module exceeds the limits of engines",
        "Engines limit how many types, functions, imports, exports and sections a module may "
        "have, and nnshim applies the same limits, because each item takes memory. For wasi-nn "
        "imports and adapters, the limit is a thousand.",
        "Split the module, or have the linker remove unused items (`--gc-sections`).",
    ),
    Code(
        "NN105",
        Severity.ERROR,
        "this is a component",
        "The file is a component (WASI 0.2 and later). `nnshim rewrite` can turn it into a core "
        "module, if it was made from one, or change the names of its imports, but does neither by "
        "default.",
        "Use `nnshim rewrite` with `--for HOST`, or say what the result is: `--to "
        "wasi_ephemeral_nn` or `--to wasi_nn` for a core module, `--to "
        "wasi:nn@0.2.0-rc-2024-10-28` or `--rename OLD=NEW` for a component.",
    ),
    Code(
        "NN106",
        Severity.ERROR,
        "this is an object file, or has the sections of one",
        "The module has sections for a linker, and their relocations and symbols would be wrong "
        "after a rewrite. An object file is not linked yet, imports `env.__linear_memory`, and "
        "runs nowhere. A module that was linked with `--emit-relocs` runs as it is.",
        "Link an object file first, then rewrite or run the result. For a linked module, "
        "`--drop-linking` removes these sections.",
    ),
    Code(
        "NN107",
        Severity.ERROR,
        "this is a precompiled artifact",
        "The file is machine code that an engine compiled from a module, such as Wasmtime's "
        "`.cwasm` or WAMR's `.aot`. Its imports cannot be changed.",
        "Rewrite the original `.wasm` and compile the result.",
    ),
    Code(
        "NN108",
        Severity.ERROR,
        "the module is not valid",
        "The module can be parsed, but `wasm-tools validate` (for `nnshim run`: wasmtime) refuses "
        "it, so no engine would run it.",
        "Build the module again. With `--no-validate`, imports are still renamed, but the result "
        "is invalid, too.",
    ),
    Code(
        "NN109",
        Severity.ERROR,
        "the text does not assemble",
        "`wasm-tools parse` refuses the text. The message has the line and the column.",
        "Fix the text at that place.",
    ),
    Code(
        "NN110",
        Severity.ERROR,
        "the module is signed",
        "The module has a signature, which any change would invalidate.",
        "Rewrite it before signing, or remove the signature with `--drop-signature` and sign the "
        "result.",
    ),
    Code(
        "NN111",
        Severity.ERROR,
        "the module has an unknown instruction",
        "To adapt a module, nnshim must find every reference to a function in its code. This "
        "release does not know the instruction, so it cannot tell where the instruction ends.",
        "Build the module without the proposal that has the instruction, or use a newer release of "
        "nnshim. Renaming alone does not read code.",
    ),
    Code(
        "NN112",
        Severity.ERROR,
        "a reference points to a function that no longer exists",
        "The module refers to a function by the index of an adapter, or by an invalid index. After "
        "the rewrite, it would refer to a different function.",
        "Build the module again, and adapt the new build.",
    ),
    Code(
        "NN121",
        Severity.ERROR,
        "an adapter was changed by another tool",
        "nnshim adapted the module, and another tool, such as an optimiser, has changed an "
        "adapter since. nnshim cannot be certain which code is the adapter's and which is the "
        "guest's, so it neither removes nor replaces the adapter. A second adapter would "
        "translate every call twice.",
        "Adapt the module from before the other tool ran, and run that tool before nnshim.",
    ),
    Code(
        "NN122",
        Severity.ERROR,
        "an adapter is of an unknown generation",
        "Another release of nnshim adapted the module, and this one cannot recognise its adapters "
        "byte for byte.",
        "Use the release that adapted it, or a newer one.",
    ),
    Code(
        "NN123",
        Severity.ERROR,
        "the adapters are for a guest with another ABI",
        "`--guest-abi` names an ABI, but the module's adapters belong to a guest with another one.",
        "Leave out `--guest-abi`: adapters show the guest's ABI.",
    ),
    Code(
        "NN124",
        Severity.ERROR,
        "the section `nnshim.guest` cannot be used",
        "A rewrite that is told the guest's ABI keeps it in this section. Here the section names "
        "an ABI that this release of nnshim does not know, or occurs twice.",
        "Use the release that wrote it, or a newer one. Or name the ABI with `--guest-abi`: a "
        "rewrite then replaces the section.",
    ),
    Code(
        "NN131",
        Severity.NOTE,
        "a function's type shows the ABI",
        "Evidence. `load` and `get_output` have other types in WAMR's older ABI than in the "
        "specification's.",
        "Nothing. If you know that the module has another ABI, say so with `--guest-abi`.",
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
        "Weaker evidence. The functions that are imported from this module name have the same "
        "types in every ABI. Functions that are imported from wasi-nn's other name show an ABI, "
        "and nnshim assumes that a guest has only one.",
        "If that is wrong, say which ABI it is with `--guest-abi`.",
    ),
    Code(
        "NN134",
        Severity.NOTE,
        "nothing shows the ABI",
        "Neither `load` nor `get_output` is imported, and the other functions have the same types "
        "in every ABI. So the module name decides: nnshim assumes the specification's ABI for "
        "`wasi_ephemeral_nn`, and WAMR's older ABI for `wasi_nn`.",
        "If that is wrong, say which ABI it is with `--guest-abi`.",
    ),
    Code(
        "NN135",
        Severity.NOTE,
        "the ABI was given",
        "Evidence. `--guest-abi`, or `guest_abi` in Python, names the module's ABI.",
        "Nothing.",
    ),
    Code(
        "NN136",
        Severity.UNSEEN,
        "the ABI is a guess",
        "The verdict holds if the module has the assumed ABI. The imports do not show it.",
        "`nnshim inspect` shows what the guess is based on. Name the ABI with `--guest-abi` to be "
        "sure.",
    ),
    Code(
        "NN137",
        Severity.UNSEEN,
        "the numbers of tensor types are a guess",
        "Until August 2023, wasi-nn numbered tensor types differently, and the types of functions "
        "do not show which numbers a guest has. Constants that reach `set_input` would show them, "
        "but nnshim could not follow these, or not for every call. It assumes today's numbers.",
        "If the guest was built with older bindings, such as the crate wasi-nn up to 0.5, name its "
        "ABI with `--guest-abi witx-2022`.",
    ),
    Code(
        "NN138",
        Severity.UNSEEN,
        "the numbers of encodings are a guess",
        "The types of functions do not show which numbers the guest passes to `load` for a "
        "model's format. If the host's numbers differ from the specification's, nnshim assumes "
        "that the guest was built for this host, and leaves the numbers as they are. If it was "
        "built for another host, this host treats a model as another format, and most likely "
        "refuses it.",
        "Say what the guest was built with: `--from wasi-nn@0.6`, for the Rust crate, or "
        "`--guest-abi witx`. A rewrite then translates the numbers.",
    ),
    Code(
        "NN139",
        Severity.UNSEEN,
        "whether names end with a NUL is a guess",
        "WAMR up to 2.4.5 refuses the name of a graph, or its configuration, without a NUL after "
        "it. nnshim assumes that a guest with WAMR's own ABI was built for such a host, but "
        "imports do not show whether it was. Rust's strings, for example, have no NUL.",
        "If it was built for a host that needs a NUL, say so with `--from`; string literals in C "
        "have one. Otherwise add a NUL after names in the guest.",
    ),
    Code(
        "NN140",
        Severity.UNSEEN,
        "the WAMR release that the guest was built for is unknown",
        "WAMR's older ABI has changed its numbers for errors (in 1.1.1, 2.1.1, 2.4.0) and "
        "encodings (in 1.1.1, 1.2.0, 2.1.1), and the types of functions do not show which release "
        "a guest was built for. If the host has that ABI, nnshim assumes that the guest was built "
        "for it, and adapts nothing; for any other host, it assumes the numbers since 2.4.0.",
        "Nothing, if the guest does not distinguish errors, and loads TensorFlow Lite models with "
        "encoding 4. Otherwise name the release, `--from wamr-legacy@2.3.1`, or the ABI, "
        "`--guest-abi wamr-2.1-legacy`; `nnshim hosts` lists both.",
    ),
    Code(
        "NN141",
        Severity.CONDITION,
        'no memory is exported as "memory"',
        "Most hosts read a guest's tensors from the memory that it exports as `memory`. This "
        "module exports none under that name, so calls of wasi-nn fail or trap. WasmEdge uses the "
        "first memory, exported or not, and WAMR refuses the module (`NN219`).",
        "Export it: `wasm-ld` does so by default, `--export-memory` makes sure; in text, "
        '`(memory (export "memory") 1)`.',
    ),
    Code(
        "NN142",
        Severity.ERROR,
        "the ABI is unknown",
        "The types of `load` and `get_output` match no wasi-nn ABI that nnshim knows.",
        "Compare them with the table of ABIs in docs/hosts.md. The guest's bindings are probably "
        "for something other than wasi-nn.",
    ),
    Code(
        "NN143",
        Severity.ERROR,
        "a function does not belong to the ABI",
        "The module imports a function from wasi-nn that the ABI lacks or has with another type. "
        "No host would link it.",
        "Fix the declaration in the guest, or name the ABI that it was written for with "
        "`--guest-abi`.",
    ),
    Code(
        "NN144",
        Severity.ERROR,
        "an import from wasi-nn is not a function",
        "The module imports a memory, table, global or tag from wasi-nn. Hosts define only "
        "functions there.",
        "Fix the guest: this import belongs to another module.",
    ),
    Code(
        "NN145",
        Severity.NOTE,
        "constants show the guest's numbering",
        "Evidence. The number of a tensor type that reaches `set_input` exists in only one "
        "numbering, or its elements have the right size in only one. Or a type or an encoding "
        "fits a model named with `--model` in only one numbering.",
        "Nothing. If you know that the module has another ABI, say so with `--guest-abi`.",
    ),
    Code(
        "NN146",
        Severity.CONDITION,
        "a constant is ambiguous",
        "The module passes a number that has had two meanings, such as tensor type 2, which was "
        "u8 until August 2023 and has been f64 since. Nothing else in the module shows which "
        "meaning it has here. The host knows one of them: if it is the wrong one, `set_input` "
        "fails or the results are wrong.",
        "Name the guest's models with `--model`, which may settle it, or name the ABI: "
        "`--guest-abi witx` for today's numbers (the crate wasi-nn has them since 0.6), "
        "`--guest-abi witx-2022` for the earlier ones. A rewrite then translates them.",
    ),
    Code(
        "NN147",
        Severity.UNSEEN,
        "the guest's constants were not followed",
        "Another tool has changed the module's adapters. The guest's constants reach wasi-nn "
        "through these adapters, so nnshim could not follow them. It cannot say whether the host "
        "has a backend for the models that the module loads, or takes the types that it passes.",
        "Check the module from before the other tool ran, and run that tool before nnshim.",
    ),
    Code(
        "NN148",
        Severity.NOTE,
        "the ABI comes from the section `nnshim.guest`",
        "An earlier rewrite was told the module's ABI and kept it in this section. The verdict "
        "relies on it. nnshim cannot tell whether another tool wrote the section.",
        "Nothing, if you trust the module's origin. Otherwise name the ABI with `--guest-abi`, or "
        "compare the module with the original: `nnshim verify`.",
    ),
)
