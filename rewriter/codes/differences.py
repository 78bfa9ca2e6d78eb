"""What differs between two modules that `nnshim verify` compares."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN401",
        Severity.ERROR,
        "bytes differ",
        "The section is as long as it was, and bytes in it are others than before. No rewrite does "
        "that.",
        "Look at both offsets (`wasm-tools dump`, `wasm-tools print`). Another tool has changed "
        "the module, or it is another build.",
    ),
    Code(
        "NN402",
        Severity.ERROR,
        "a length differs",
        "The section, a function's body or what stands between two references has another length "
        "than before. The offsets are where the first difference is.",
        "Look at both offsets. Another tool has changed the module, or it is another build.",
    ),
    Code(
        "NN403",
        Severity.ERROR,
        "a section is gone",
        "The original has a section that the rewritten module lacks. A rewrite removes sections "
        "with debug information and signatures only, and only where it is asked to.",
        "Find out which tool has removed it; `wasm-tools strip` and `wasm-opt` do.",
    ),
    Code(
        "NN404",
        Severity.ERROR,
        "a section was added",
        "The rewritten module has a section that the original lacks. A rewrite adds its record and "
        "a filled gap only.",
        "Find out which tool has added it.",
    ),
    Code(
        "NN405",
        Severity.ERROR,
        "a section's size is written in another width",
        "The section is the same and its size takes another number of bytes. A rewrite keeps the "
        "width of sections that it does not change.",
        "A tool has read the module and written it anew. Compare before and after it.",
    ),
    Code(
        "NN411",
        Severity.ERROR,
        "an import differs",
        "An import has another name or type, is missing, or is new. A rewrite changes module names "
        "only; an adapter counts as what the guest calls.",
        "Compare the imports with `nnshim inspect`.",
    ),
    Code(
        "NN412",
        Severity.ERROR,
        "functions differ",
        "The modules do not define the same functions, adapters aside.",
        "It is another build, or a tool has removed functions.",
    ),
    Code(
        "NN413",
        Severity.ERROR,
        "exports differ",
        "The modules do not export the same, adapters aside.",
        "Compare the exports with `nnshim inspect --json`.",
    ),
    Code(
        "NN414",
        Severity.ERROR,
        "another function is called",
        "At this place the modules name different functions. If one of them has adapters, a "
        "reference that goes past an adapter is a difference, too: the guest would reach the host "
        "in a form that the host does not speak.",
        "Do not run this module. Adapt the original again.",
    ),
    Code(
        "NN415",
        Severity.ERROR,
        "names differ",
        "The name section has other names for what is in both modules.",
        "It does not affect execution. A tool has changed debug names.",
    ),
    Code(
        "NN416",
        Severity.ERROR,
        "an import comes from another module",
        "The module name of an import is another one, and it is neither a change between wasi-nn's "
        "own names nor one that was given; or the imports of one name have got different names. A "
        "rewrite renames all imports of a module.",
        "If the rewrite was told to rename it (`--rename OLD=NEW`), tell `nnshim verify` the same. "
        "Otherwise another tool has changed the module: do not run it.",
    ),
    Code(
        "NN417",
        Severity.ERROR,
        "an adapter has another name than a rewrite gives it",
        "Adapters are exported under names that say what they are, and have these in the name "
        "section, if there is one. Here a name is missing, or says something else.",
        "It does not affect execution, but what reads those names is misled. Another tool has "
        "changed them: adapt the original again.",
    ),
    Code(
        "NN418",
        Severity.ERROR,
        "a dynamic library describes imports by other names than they have",
        "In `dylink.0` the imports of the rewritten module have names that they no longer have: a "
        "loader would not find what belongs to them.",
        "Rewrite the original again. Another tool, or an older release of nnshim, has renamed the "
        "imports alone.",
    ),
    Code(
        "NN421",
        Severity.ERROR,
        "the record cannot be read",
        "The section `nnshim.record` is gone, is there twice, or has something other than records "
        "in it.",
        "Something other than nnshim has changed it: do not rely on what it says.",
    ),
    Code(
        "NN422",
        Severity.ERROR,
        "the record is about another module",
        "The record does not go on from that of the original.",
        "The module was not made from this original.",
    ),
    Code(
        "NN423",
        Severity.ERROR,
        "the record has another SHA-256",
        "The record says which bytes the module was made from, and they are not those of the "
        "original.",
        "Compare with the module whose SHA-256 the record has.",
    ),
)
