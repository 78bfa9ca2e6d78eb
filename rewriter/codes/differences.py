"""What differs between two modules that `nnshim verify` compares, and how attestations fail."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN401",
        Severity.ERROR,
        "bytes differ",
        "The section has the same length, but its bytes differ. No rewrite does that.",
        "Look at both offsets (`wasm-tools dump`, `wasm-tools print`). Either another tool changed "
        "the module, or it is a different build.",
    ),
    Code(
        "NN402",
        Severity.ERROR,
        "a length differs",
        "The section, a function body or the bytes between two references have a different length. "
        "The offsets point to the first difference.",
        "Look at both offsets. Either another tool changed the module, or it is a different build.",
    ),
    Code(
        "NN403",
        Severity.ERROR,
        "a section is missing",
        "The original has a section that the rewritten module lacks. A rewrite removes only debug "
        "sections and signatures, and only when asked to.",
        "Find out which tool removed it; `wasm-tools strip` and `wasm-opt` do.",
    ),
    Code(
        "NN404",
        Severity.ERROR,
        "a section was added",
        "The rewritten module has a section that the original lacks. A rewrite adds only its "
        "record and padding.",
        "Find out which tool added it.",
    ),
    Code(
        "NN405",
        Severity.ERROR,
        "a section's size field has a different width",
        "The section is the same, but its size field takes a different number of bytes. A rewrite "
        "keeps the width in sections that it does not change.",
        "A tool has parsed and re-encoded the module. Compare the files before and after that "
        "tool.",
    ),
    Code(
        "NN411",
        Severity.ERROR,
        "an import differs",
        "An import has a different name or type, is missing, or is new. A rewrite changes only "
        "module names; an adapter counts as the import that it replaces.",
        "Compare the imports with `nnshim inspect`.",
    ),
    Code(
        "NN412",
        Severity.ERROR,
        "functions differ",
        "Apart from adapters, the modules define different functions.",
        "It is a different build, or a tool removed functions.",
    ),
    Code(
        "NN413",
        Severity.ERROR,
        "exports differ",
        "Apart from adapters, the modules have different exports.",
        "Compare the exports with `nnshim inspect --json`.",
    ),
    Code(
        "NN414",
        Severity.ERROR,
        "a different function is called",
        "The modules refer to different functions here. If one of them has adapters, a reference "
        "that bypasses an adapter is a difference too: the guest would call the host in a form "
        "that the host does not understand.",
        "Do not run this module. Adapt the original again.",
    ),
    Code(
        "NN415",
        Severity.ERROR,
        "names differ",
        "The name section has different names for things that both modules have.",
        "Execution is not affected. A tool changed debug names.",
    ),
    Code(
        "NN416",
        Severity.ERROR,
        "an import comes from a different module",
        "The module name of an import changed, and the change is neither one between wasi-nn's "
        "names nor one that you passed; or imports from one module got different names. A rewrite "
        "renames all imports of a module.",
        "If the rewrite used `--rename OLD=NEW`, pass the same to `nnshim verify`. Otherwise "
        "another tool changed the module: do not run it.",
    ),
    Code(
        "NN417",
        Severity.ERROR,
        "an adapter has a different name than a rewrite gives it",
        "Adapters are exported under names that say what they are, and have the same names in the "
        "name section, if there is one. Here a name is missing or wrong.",
        "Execution is not affected, but tools that read these names are misled. Another tool "
        "changed them: adapt the original again.",
    ),
    Code(
        "NN418",
        Severity.ERROR,
        "a dynamic library describes imports by outdated names",
        "`dylink.0` in the rewritten module still has the old names of imports, so a loader would "
        "not find what it says about them.",
        "Rewrite the original again. Another tool, or an older release of nnshim, renamed only the "
        "imports.",
    ),
    Code(
        "NN421",
        Severity.ERROR,
        "the record cannot be read",
        "The section `nnshim.record` is missing, occurs twice, or contains something other than "
        "records.",
        "Something other than nnshim changed it: do not rely on it.",
    ),
    Code(
        "NN422",
        Severity.ERROR,
        "the record is about another module",
        "The record does not continue the original's record.",
        "The module was not made from this original.",
    ),
    Code(
        "NN423",
        Severity.ERROR,
        "the record has a different SHA-256",
        "The record has the hash of the module that it was made from, and the original has a "
        "different one.",
        "Compare with the module whose SHA-256 is in the record.",
    ),
    Code(
        "NN424",
        Severity.ERROR,
        "the section `nnshim.guest` differs",
        "The section says which ABI the guest has. It was added, removed or replaced, and neither "
        "the original nor the rewritten module's adapters say the same.",
        "If the rewrite was told the ABI (`--guest-abi`, `--from`), pass it to `nnshim verify` as "
        "`--guest-abi ABI`. Otherwise another tool changed the section: do not rely on it.",
    ),
    Code(
        "NN431",
        Severity.ERROR,
        "an attestation cannot be read",
        "The line is neither an envelope nor a Statement, or has something that could be "
        "understood in two ways: a key that occurs twice, text that is not UTF-8, base64 in an "
        "unusual form, a file without a SHA-256.",
        "Fetch the attestation again, or write it again with `nnshim rewrite --attestation`.",
    ),
    Code(
        "NN432",
        Severity.ERROR,
        "an attestation is not signed with this key",
        "No signature of the envelope fits this public key and the payload: it was signed with "
        "another key, or the payload has changed.",
        "Check that the key belongs to whoever should have made the module. Otherwise do not rely "
        "on the attestation.",
    ),
    Code(
        "NN433",
        Severity.ERROR,
        "an attestation is about another module",
        "No subject of the attestation has the SHA-256 of this module.",
        "Pass the attestation that was written with this module. If the module has changed since, "
        "the attestation does not hold for it.",
    ),
    Code(
        "NN434",
        Severity.ERROR,
        "an attestation is not about a rewrite",
        "It is signed, and says something else: its payload or predicate has another type, or "
        "another tool made the module.",
        "Pass the attestation that `nnshim rewrite` wrote, or check this one with the tool that it "
        "is for.",
    ),
    Code(
        "NN435",
        Severity.ERROR,
        "an attestation names another original",
        "The module was made from a file with another SHA-256 than that of ORIGINAL.",
        "Compare with the module whose SHA-256 is in the attestation.",
    ),
    Code(
        "NN436",
        Severity.ERROR,
        "an attestation does not name a difference",
        "A rewrite can make this difference, but the attestation does not say that it did.",
        "Do not rely on the attestation: whoever signed it did not say what was done.",
    ),
    Code(
        "NN437",
        Severity.ERROR,
        "a key cannot be used",
        "The file is not a key in PEM, is of another kind than the three that nnshim signs with, "
        "or the password is wrong.",
        "`openssl pkey -in KEY.pem -noout -text` shows what it is. docs/provenance.md has the "
        "commands that make keys.",
    ),
    Code(
        "NN438",
        Severity.ERROR,
        "an attestation is not signed, or should not be",
        "A key was given, and nobody has signed the Statement; or none was, and it is signed.",
        "Pass `--key PUBLIC.pem` for a signed attestation. `--unsigned` reads one that nobody has "
        "signed, which proves nothing.",
    ),
)
