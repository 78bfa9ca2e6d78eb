"""Checks that the record of rewrites in a module belongs to the original."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rewriter.components.sections import ComponentSection
from rewriter.rewriting.provenance import read_record
from rewriter.verifying.difference import Difference
from rewriter.wasm.custom import RECORD
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import Section

__all__ = ["compare_record_sections", "compare_records"]


def compare_records(
    original: Module, rewritten: Module, recorded: Data | None = None
) -> Iterator[Difference]:
    """The differences in the records of two modules. `recorded` is what the new record describes,
    if that is not the original itself."""
    before, after = (
        [section for section in side.sections if section.name == RECORD]
        for side in (original, rewritten)
    )
    return compare_record_sections(before, after, original.data if recorded is None else recorded)


def compare_record_sections(
    before: Sequence[Section | ComponentSection],
    after: Sequence[Section | ComponentSection],
    original: Data,
) -> Iterator[Difference]:
    """The differences in records. The record of the rewritten module must continue that of the
    original, and its first new entry must have the digest of the original."""
    if [s.data[s.content : s.end] for s in before] == [s.data[s.content : s.end] for s in after]:
        return
    at = before[0].start if before else None, after[0].start if after else None
    old = read_record(before[0] if before else None)
    new = read_record(after[0] if after else None)
    if len(before) > 1 or len(after) != 1 or old is None or new is None:
        yield Difference("NN421", "record: it is missing, cannot be read, or occurs twice", *at)
    elif new[: len(old)] != old or len(new) == len(old):
        yield Difference("NN422", "record: it belongs to another module", *at)
    elif new[len(old)].get("sha256") != _sha256(original):
        yield Difference("NN423", "record: the original has a different SHA-256", *at)


def _sha256(data: Data) -> str:
    import hashlib  # OpenSSL takes a tenth of the start-up time

    return hashlib.sha256(data).hexdigest()
