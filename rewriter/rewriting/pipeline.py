"""A rewrite from end to end: read, plan, validate, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import WAMR, WASI_EPHEMERAL_NN, WASI_NN, find_dialect
from rewriter.abi.hosts import find_host
from rewriter.diagnostics import Diagnostic
from rewriter.errors import (
    HostMismatch,
    InvalidModule,
    InvalidResult,
    MalformedModule,
    NothingToRename,
    UnsupportedModule,
)
from rewriter.files import output, wasm_tools
from rewriter.files.input import Source, open_source
from rewriter.files.pieces import assemble, sha256
from rewriter.rewriting.goal import Goal
from rewriter.rewriting.plan import make_plan
from rewriter.rewriting.rename_imports import rename_map
from rewriter.rewriting.values import Plan
from rewriter.wasm.module import Module

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter
    from rewriter.analysis.inspect import ModuleInfo

__all__ = ["Result", "rewrite", "rewrite_file"]


@dataclass(frozen=True)
class Result:
    """What `rewrite_file` did. `notes` say what was guessed, and what no longer holds.
    The SHA-256 digests are hexadecimal, None unless asked for."""

    plan: Plan
    written: bool
    notes: tuple[Diagnostic, ...] = ()
    input_sha256: str | None = None
    output_sha256: str | None = None


def rewrite(
    data: bytes | Module,
    *,
    to: str | None = None,
    renames: Mapping[str, str] | None = None,
    abi: str | None = None,
    host: str | None = None,
    built_for: str | None = None,
    guest_abi: str | None = None,
    drop_debug: bool = False,
    drop_signature: bool = False,
    keep_offsets: bool = False,
    record: bool = False,
    require: bool = False,
    validate: bool = True,
) -> bytes:
    """Make a core module fit another host; the bytes of a .wasm in, the same out.

    `to` is the wasi-nn name that the other one becomes; `renames` maps further old names to new
    ones, all at once. `abi`, the name of a dialect in rewriter.abi.dialects, also puts adapters
    before the functions that have another form there; `host`, a name in rewriter.abi.hosts, takes
    the place of both. Where nothing says which name the imports get, it is that which goes with the
    ABI; with neither `renames` nor `abi` nor `host`, it is wasi_nn.

    `built_for` is the host whose numbers for encodings and tensor types the module uses, where
    they are not those of its ABI; `guest_abi` names the ABI of a module whose imports do not tell
    it, and nor do adapters that it has. Both need `abi` or `host`. `drop_debug` removes the
    sections that describe code by its position, and `drop_signature` those of a signature, without
    which a signed module is not changed. `keep_offsets` fills the gap that a shorter import section
    leaves; `record` adds a section with what was done, by which version, and the SHA-256 of the
    input. Where nothing has to change, the input comes back, or NothingToRename is raised if
    `require`.

    Raises HostMismatch where no rewrite makes the module fit, ModuleError (MalformedModule,
    UnsupportedModule, InvalidModule), UsageError for names that cannot be, for arguments that
    contradict each other or would have no effect, and DependencyMissing where
    `validate` is true and wasm-tools is not installed.
    """
    given = bytes(data.data if isinstance(data, Module) else data)
    source = Source("<bytes>", given)
    goal = Goal(
        to,
        renames or {},
        abi,
        host,
        built_for,
        guest_abi,
        drop_debug,
        drop_signature,
        keep_offsets,
        record,
        require,
    )
    plan, _ = _plan(source, goal, data if isinstance(data, Module) else None)
    if validate:
        _validate_input(source)
    if not plan.edits:
        return given
    rewritten = assemble(source, plan.pieces)
    if validate:
        _validate_output(rewritten)
    return rewritten


def rewrite_file(
    source_path: str,
    output_path: str | None,
    *,
    to: str | None = None,
    renames: Mapping[str, str] | None = None,
    abi: str | None = None,
    host: str | None = None,
    built_for: str | None = None,
    guest_abi: str | None = None,
    drop_debug: bool = False,
    drop_signature: bool = False,
    keep_offsets: bool = False,
    record: bool = False,
    require: bool = False,
    validate: bool = True,
    digests: bool = False,
) -> Result:
    """`rewrite` from file to file, holding in memory no more than the changes, and where types
    and functions stand if there is something to adapt.

    `-` is standard input or output; text input is assembled first; both paths may be the same
    file, which is then left untouched if there is nothing to change. With `output_path` None the
    plan is made and the input validated, and nothing is written.

    Raises what `rewrite` raises, InputError and OutputError; before the output is whole and
    validated, nothing at `output_path` changes.
    """
    goal = Goal(
        to,
        renames or {},
        abi,
        host,
        built_for,
        guest_abi,
        drop_debug,
        drop_signature,
        keep_offsets,
        record,
        require,
    )
    with open_source(source_path) as source:
        if output_path is not None:
            output.check_path(source, output_path)
        plan, notes = _plan(source, goal)
        if validate:
            _validate_input(source)
        input_sha256 = output_sha256 = None
        if digests:
            input_sha256 = sha256(source, (range(len(source.data)),))
            output_sha256 = sha256(source, plan.pieces) if plan.edits else input_sha256
        written = False
        if output_path is not None and (plan.edits or not output.is_same_file(source, output_path)):
            _write(source, plan, output_path, validate and bool(plan.edits))
            written = True
    return Result(plan, written, notes, input_sha256, output_sha256)


def _plan(
    source: Source, goal: Goal, module: Module | None = None
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan, and notes on it."""
    record = None
    if goal.record:
        from rewriter.rewriting.provenance import new_entry

        record = new_entry(goal.operation, sha256(source, (range(len(source.data)),)))
    try:
        module = module or Module(source.data)
        fits = goal.host is not None or goal.abi is not None
        aim = _fitting(source.name, module, goal) if fits else _renaming(goal)
        plan = make_plan(
            module,
            aim.mapping,
            aim.info,
            aim.adapters,
            drop_debug=goal.drop_debug,
            drop_signature=goal.drop_signature,
            keep_offsets=goal.keep_offsets,
            record=record,
        )
    except MalformedModule as error:
        remedy = "build the module or fetch it again"
        reason = f"{source.name}: {error.reason}"
        raise MalformedModule(reason, error.offset, error.code, remedy) from error
    except UnsupportedModule as error:
        raise error.of(source.name) from error
    if goal.require and not plan.edits:
        raise NothingToRename(f"there is nothing to change in {source.name}")
    if not plan.outdated:
        return plan, aim.notes
    remedy = "--drop-debug removes them"
    if not plan.adapting.adapted:
        remedy += ", --keep-offsets leaves the code where it was"
    names = ", ".join(plan.outdated)
    message = f"code has moved, so these no longer match: {names}"
    return plan, (*aim.notes, Diagnostic("NN311", message, help=remedy))


class _Aim(NamedTuple):
    """The names that change, and the adapters that are wanted, chosen by what is in the module."""

    mapping: Mapping[str, str]
    info: ModuleInfo | None = None
    adapters: Mapping[int, Adapter | None] | None = None
    notes: tuple[Diagnostic, ...] = ()


def _renaming(goal: Goal) -> _Aim:
    to = goal.to or (None if goal.renames else WASI_NN)
    return _Aim(rename_map(to, goal.renames))


def _fitting(name: str, module: Module, goal: Goal) -> _Aim:
    from rewriter.analysis.fitting import fit  # what only renames starts without them
    from rewriter.analysis.inspect import inspect_module

    info = inspect_module(module, goal.guest_abi)
    guest = find_host(goal.built_for) if goal.built_for is not None else None
    if goal.host is not None:
        host = find_host(goal.host)
        dialects, names = host.dialects, host.modules
        where = f"run on {host.name}"
    else:
        dialect = find_dialect(goal.abi or "")
        goes_with = WASI_NN if dialect.layout == WAMR.layout else WASI_EPHEMERAL_NN
        dialects, names = (dialect,), (goal.to or goes_with,)
        where = f"be made to have the {dialect.name} ABI"
    found = fit(info, dialects, guest)
    if found.obstacles:
        raise HostMismatch(f"{name} cannot {where}", found.obstacles)
    to = None if all(module in names for module in info.abis) else names[0]
    return _Aim(rename_map(to, goal.renames), info, found.adapters, found.caveats)


def _write(source: Source, plan: Plan, path: str, validate: bool) -> None:
    if path != "-":
        check = _validate_output if validate else lambda _: None
        output.write_atomic(path, source, plan.pieces, check)
        return
    rewritten = assemble(source, plan.pieces)
    if validate:
        _validate_output(rewritten)
    output.write_to_stdout(rewritten)


def _validate_input(source: Source) -> None:
    try:
        wasm_tools.validate(source.for_validation)
    except InvalidModule as error:
        remedy = "build the module again, or rename in it as it is without validation"
        reason = f"{source.name} is not valid: {error.reason}"
        raise InvalidModule(reason, error.offset, error.code, remedy) from error


def _validate_output(module: bytes | str) -> None:
    try:
        wasm_tools.validate(module)
    except InvalidModule as error:
        raise InvalidResult(
            "the input is valid but its rewritten form is not, which is a fault in nnshim;"
            f" nothing was written: {error}"
        ) from error
