"""nnshim rewrite: rename the import modules of a module."""

from typing import Annotated

import typer

from nnshim.common import (
    GuestAbi,
    errors_in_json,
    note,
    parse_names,
    parse_renames,
    print_json,
    remark,
    say,
)
from nnshim.config.options import ConfigFile, NoConfig
from rewriter.errors import UsageError
from rewriter.terminal import alive

__all__ = ["command"]


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="A .wasm or .wat file, oci://HOST/NAME:TAG, oci-layout:PATH:TAG, or - (stdin).",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Argument(
            metavar="OUT", help="The file or artifact to write, or - (stdout). May be IN."
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
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
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

    Exit codes: 0 done, or nothing to change; 1 input refused, nothing written; 2 usage; 3
    wasm-tools or the WASI adapter is missing; 4 done, but the host cannot run the result. If
    conditions remain, they are printed, and `nnshim check` of the result counts them.
    """
    from nnshim.config.merged import only_host
    from nnshim.config.reading import configured
    from nnshim.registries.places import rewrite_any
    from nnshim.render import text
    from rewriter.options import RewriteOptions

    if output is None and not dry_run:
        raise UsageError("OUT is missing (a file, - for standard output, or --dry-run)")
    if output == "-" and as_json and not dry_run:
        raise UsageError("--json and the module cannot both go to standard output")
    config = configured(config_file, no_config)
    if not (host_name or abi or to or rename):
        host_name, of_config = only_host(config)
        if of_config is not None:
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
    if fetch_wasi_adapter and not options.makes_component:
        raise UsageError("--fetch-wasi-adapter has no effect without --to wasi:nn")
    papers = None
    if unsigned or not (attestation is None and sbom is None and key is None):
        from nnshim.attesting.documents import documents

        if output is None or dry_run:
            raise UsageError("--attestation and --sbom are about a file, which --dry-run lacks")
        with errors_in_json(as_json):
            papers = documents(attestation, sbom, key, unsigned)
    with errors_in_json(as_json), alive("rewriting", source):
        if fetch_wasi_adapter:
            _fetch()
        about = None if papers is None else papers.begin(source, output or "-", options)
        result, digest = rewrite_any(
            source, None if dry_run else output, options, digests=as_json or about is not None
        )
        if about is not None:
            about.finish(result, digest)
    if result.flattened is not None:
        note("the component becomes a core module, to which the following applies")
    if as_json:
        from nnshim.render import json

        print_json(json.rewritten(result, source, output, validate, papers, digest))
    elif dry_run:
        say(*text.rewritten(result.plan, result.made))
    elif result.flattened is None or result.plan.edits:
        for line in text.rewritten(result.plan, result.made):
            note(line)
    for found in result.notes:
        remark(found)
    if digest is not None and not as_json:
        note(f"the artifact is {output}@{digest}")
    if not (as_json or dry_run):
        note(text.runs_now(result, host_name, output or "-"))
        for line in papers.told(output or "-") if papers else ():
            note(line)
    if result.cannot_run:
        from rewriter.analysis.compatibility import Answer

        raise typer.Exit(Answer.CANNOT.exit_code)


def _fetch() -> None:
    """Download the adapters for WASI, if one is missing."""
    from rewriter.files import wasi_adapter

    if wasi_adapter.missing():
        wasi_adapter.fetch()
        note(f"the adapters for WASI are in {wasi_adapter.FOLDER} now")
