"""nnshim rewrite: rename the import modules of a module."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from nnshim.common import GuestAbi, errors_in_json, note, parse_names, parse_renames
from nnshim.config.options import ConfigFile, NoConfig
from nnshim.many.options import Exclude, FailFast, FilesFrom, Jobs, MaxUnpacked, Workers
from rewriter.errors import UsageError
from rewriter.oci.reference import is_artifact

__all__ = ["command"]


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IN OUT",
            help="A .wasm or .wat file, oci://HOST/NAME:TAG, oci-layout:PATH:TAG, or - (stdin); and"
            " the file or artifact to write, or - (stdout), which may be the same. Or two folders,"
            " or two archives. With --output, all are inputs.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="wasi_nn|wasi_ephemeral_nn|wasi:nn[@VERSION]",
            help="The new name of wasi-nn imports (default: wasi_nn; --for and --abi set it)."
            " `wasi:nn` makes a component of a core module, for Wasmtime 35 and later. With a"
            " version, such as wasi:nn@0.2.0-rc-2024-10-28, a component stays a component.",
        ),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OLD=NEW",
            help="Rename another import module, or a component's import or package. May be"
            " repeated.",
        ),
    ] = None,
    abi: Annotated[
        str | None,
        typer.Option(
            metavar="ABI",
            help="Adapt to this ABI and rename accordingly. `nnshim hosts --abis` lists all.",
        ),
    ] = None,
    host_name: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="HOST[@RELEASE]|PROFILE",
            help="Rename and adapt for this host: {hosts}; a release of one (wamr@2.2); or a"
            " profile that `nnshim probe` wrote (./mine.toml).",
        ),
    ] = None,
    built_for: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="HOST[@RELEASE]",
            help="The host or library that the module was built for, e.g. wasi-nn@0.5. With"
            " `unknown`, a tensor's type is deduced from its length at run time.",
        ),
    ] = None,
    guest_abi: GuestAbi = None,
    input_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INDEX=NAME",
            help="The name of a model's input, e.g. 0=data, for a new component, or for what a"
            " component becomes. May be repeated.",
        ),
    ] = None,
    output_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INDEX=NAME",
            help="The name of a model's output (default: the host's order; a core module returns"
            " only the first output). May be repeated.",
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="FILE",
            help="A model that the guest runs, to read the names of inputs and outputs from"
            " (OpenVINO: the .xml file). May be repeated.",
        ),
    ] = None,
    wasi_adapter: Annotated[
        str | None,
        typer.Option(
            "--wasi-adapter",
            metavar="FILE",
            help="An adapter from WASI 0.1 to 0.2 (default: the one that comes with nnshim).",
        ),
    ] = None,
    fetch_wasi_adapter: Annotated[
        bool,
        typer.Option(
            "--fetch-wasi-adapter",
            help="Download the adapter that comes with nnshim, if it is missing.",
        ),
    ] = False,
    drop_debug: Annotated[
        bool,
        typer.Option(
            "--drop-debug",
            help="Remove debug information (DWARF and source maps), which adapting makes wrong.",
        ),
    ] = False,
    drop_signature: Annotated[
        bool,
        typer.Option(
            "--drop-signature", help="Remove a signature: it would not match the rewritten module."
        ),
    ] = False,
    drop_linking: Annotated[
        bool,
        typer.Option(
            "--drop-linking",
            help="Remove linking and relocation sections, which `wasm-ld --emit-relocs` leaves.",
        ),
    ] = False,
    keep_offsets: Annotated[
        bool,
        typer.Option(
            "--keep-offsets", help="Pad shorter names, so that code stays at the same offset."
        ),
    ] = False,
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Add a section that records the changes and the input's SHA-256."
        ),
    ] = False,
    attestation: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|auto",
            help="Write an in-toto attestation of the rewrite, with SLSA provenance, signed with"
            " --key. `auto` is OUT.intoto.jsonl, or is attached to OUT in a registry.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="KEY.pem",
            help="The private key, in PEM. The password of an encrypted one is asked for, or comes"
            " from $NNSHIM_KEY_PASSWORD.",
        ),
    ] = None,
    unsigned: Annotated[
        bool,
        typer.Option("--unsigned", help="Write the attestation without a signature."),
    ] = False,
    sbom: Annotated[
        str | None,
        typer.Option(
            "--sbom",
            metavar="FILE|auto",
            help="Write a CycloneDX bill of materials of the rewrite. `auto` is OUT.cdx.json,"
            " or is attached to OUT in a registry.",
        ),
    ] = None,
    require: Annotated[
        bool, typer.Option("--require", help="Exit with 1 if there is nothing to change.")
    ] = False,
    validate: Annotated[
        bool, typer.Option(help="Validate input and output with wasm-tools.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change, and write nothing.")
    ] = False,
    into: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="The folder for the outputs; of one input, a file, a folder or an archive, as the"
            " input is.",
        ),
    ] = None,
    files_from: FilesFrom = None,
    exclude: Exclude = None,
    max_unpacked: MaxUnpacked = None,
    jobs: Jobs = None,
    workers: Workers = None,
    fail_fast: FailFast = False,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
    quiet: Annotated[
        bool,
        typer.Option("-q", "--quiet", help="Print only errors, and what remains to be done."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the changes as JSON to standard output.")
    ] = False,
) -> None:
    """Make a module fit a host: rename and adapt its imports.

    With --for HOST, the result runs on that host. If the nearest nnshim.toml, or pyproject.toml
    with [tool.nnshim], names one host, that is meant unless --for, --abi, --to or --rename is
    given. Otherwise, only the module names of imports change. That is enough only if the host
    speaks the module's ABI; a warning says if no known host does. A component that was made from a
    core module becomes a core module again if --to, --abi or --for HOST asks for one. Otherwise a
    component gets the version of wasi:nn that --to names or the host has, with a shim for functions
    that are different there. With --to wasi:nn, a core module becomes a component. Rewriting twice
    changes nothing more. The output is written completely or not at all.

    A folder or an archive is written again with its modules rewritten. Modules that do not use
    wasi-nn, and all other files, are the same byte for byte. A module that cannot be rewritten has
    no output; an archive with such a module is not written at all.

    Exit codes: 0 done, or nothing to change; 1 input refused, nothing written; 2 usage; 3
    wasm-tools or the WASI adapter is missing; 4 done, but the host cannot run the result. If
    conditions remain, they are printed, and `nnshim check` of the result counts them. Of many
    files, the first of 1, 2, 4, 0 that applies to one of them counts. 130: interrupted. 129: its
    terminal was closed.
    """
    from nnshim.config.merged import Given, in_force, only_host
    from nnshim.config.reading import configured
    from nnshim.many.searching import search
    from nnshim.rewriting.running import check_read_apart, rewrite_many, rewrite_one
    from rewriter.options import RewriteOptions

    inputs, output = _inputs_and_output(paths or (), into, files_from, dry_run=dry_run)
    if output == "-" and as_json and not dry_run:
        raise UsageError("--json and the module cannot both go to standard output")
    if quiet and dry_run and not as_json:
        raise UsageError("--quiet would hide what --dry-run prints")
    config = configured(config_file, no_config)
    if not (host_name or abi or to or rename):
        host_name, of_config = only_host(config)
        if of_config is not None and not quiet:
            note(of_config)
    options = RewriteOptions(
        to=to,
        abi=abi,
        host=host_name,
        built_for=built_for,
        guest_abi=guest_abi,
        drop_debug=drop_debug,
        drop_signature=drop_signature,
        drop_linking=drop_linking,
        keep_offsets=keep_offsets,
        record=record,
        renames=parse_renames(rename or []),
        require=require,
        validate=validate,
        inputs=parse_names("--input-name", input_name or []),
        outputs=parse_names("--output-name", output_name or []),
        models=models or (),
        wasi_adapter=wasi_adapter,
    )
    if output is not None and not dry_run:
        check_read_apart(output, options, files_from)
    if fetch_wasi_adapter and not options.makes_component:
        raise UsageError("--fetch-wasi-adapter has no effect without --to wasi:nn")
    papers = None
    if unsigned or not (attestation is None and sbom is None and key is None):
        from nnshim.attesting.documents import documents

        if output is None or dry_run:
            raise UsageError("--attestation and --sbom are about a file, which --dry-run lacks")
        with errors_in_json(as_json):
            papers = documents(attestation, sbom, key, unsigned)
    with errors_in_json(as_json):
        if fetch_wasi_adapter:
            _fetch()
        left_out = in_force(config, Given(exclude=exclude)).exclude
        where = search(inputs, files_from, left_out, max_unpacked, jobs, workers)
    one = None if into is not None and _is_folder(into) else where.one_file
    if one is not None:
        if into is None and output is not None and output.endswith("/"):
            raise UsageError(f"{output} is a folder: name a file, or the folder with --output")
        code = rewrite_one(
            one, output, options, papers, dry_run=dry_run, as_json=as_json, quiet=quiet
        )
        raise typer.Exit(code)
    if papers is not None:
        raise UsageError("--attestation and --sbom are about one file, not about a folder or many")
    from nnshim.rewriting.layouts import is_layout, rewrite_layout

    if output is not None and is_artifact(output):
        raise UsageError(f"{output} is an artifact, which has one module: name a folder for many")
    out = None if dry_run else output
    if len(inputs) == 1 and is_layout(inputs[0]):
        if workers is not None:
            raise UsageError("--workers cannot rewrite an OCI layout")
        with errors_in_json(as_json):
            code = rewrite_layout(
                where, out, options, as_json=as_json, fail_fast=fail_fast, quiet=quiet
            )
        raise typer.Exit(code)
    raise typer.Exit(
        rewrite_many(where, out, options, as_json=as_json, fail_fast=fail_fast, quiet=quiet)
    )


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) or path.endswith(("/", os.sep))


def _inputs_and_output(
    paths: Sequence[str], into: str | None, files_from: str | None, *, dry_run: bool
) -> tuple[Sequence[str], str | None]:
    """What is rewritten, and where to; None where nothing is written. Raises UsageError."""
    if into is not None:
        return paths, into
    if files_from is not None:
        if dry_run:
            return paths, None
        raise UsageError("--files-from needs --output OUT, the folder for the outputs")
    if len(paths) > 2:
        raise UsageError(
            f"{len(paths)} paths: two are IN and OUT; for more inputs, name the output with"
            " --output OUT"
        )
    if not paths:
        raise UsageError("IN and OUT are missing")
    if len(paths) == 1 and not dry_run:
        raise UsageError(
            "OUT is missing: name a file or a folder, or - for standard output, or add --dry-run"
        )
    return paths[:1], paths[1] if len(paths) == 2 else None


def _fetch() -> None:
    """Download the adapters for WASI, if one is missing."""
    from rewriter.files import wasi_adapter

    if wasi_adapter.missing():
        wasi_adapter.fetch()
        note(f"the adapters for WASI are in {wasi_adapter.FOLDER} now")
