"""nnshim verify: prove that a rewrite changed nothing but what it may change."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import errors_in_json, parse_names, parse_renames, print_json, say
from rewriter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rewriter.verifying.compare import Comparison

__all__ = ["command"]


def command(
    modules: Annotated[
        list[str],
        typer.Argument(
            metavar="[ORIGINAL] REWRITTEN",
            help="The module before, and the one after. With --attestation, ORIGINAL may be left"
            " out.",
        ),
    ],
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OLD=NEW", help="Also allow this name of imports to change. May be repeated."
        ),
    ] = None,
    guest_abi: Annotated[
        str | None,
        typer.Option(
            metavar="ABI",
            help="Also allow the section `nnshim.guest` in the result, for a guest with this ABI.",
        ),
    ] = None,
    output_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INDEX=NAME",
            help="The name of a model's output that the rewrite of a component was given. May be"
            " repeated.",
        ),
    ] = None,
    input_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INDEX=NAME",
            help="The same for an input, of a component that knows inputs by index.",
        ),
    ] = None,
    attestation: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|auto",
            help="Check that this attestation is about REWRITTEN, and was signed with --key. With"
            " ORIGINAL, also that it was made from it, with the options in the attestation. `auto`"
            " is what is attached to REWRITTEN in its registry.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="PUBLIC.pem", help="The public key, in PEM."),
    ] = None,
    unsigned: Annotated[
        bool,
        typer.Option(
            "--unsigned", help="Read an attestation that nobody has signed, and say what it says."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Prove that a rewrite has changed nothing else.

    These differences are allowed: the module names of wasi-nn and of --rename; adapters for the
    functions of wasi-nn and the calls to them; the number of bytes of a function index where
    adapters were removed; removed debug sections and signatures; and a record, which must describe
    ORIGINAL. If both are components, only names of imports may differ: the version of wasi:nn, and
    those of --rename; a shim for another version is made again and compared. If only one is a
    component, the core module that `nnshim rewrite` makes of it is compared with the other file.
    The adapters in a component that nnshim made are not compared, and a start function may have
    become the export `_start`.

    Exit codes: 0 no other difference, and the attestation holds; 1 other differences (each is
    printed with its byte offsets), the attestation does not hold, or a file cannot be read; 2
    usage; 3 a package for signatures is missing.
    """
    renames = parse_renames(rename or [])
    outputs = parse_names("--output-name", output_name or [])
    inputs = parse_names("--input-name", input_name or [])
    if attestation is not None:
        if renames or guest_abi is not None:
            raise UsageError("--rename and --guest-abi are in the attestation; leave them out")
        _check_attested(modules, attestation, key, unsigned, (inputs, outputs), as_json)
        return
    if key is not None or unsigned:
        raise UsageError("--key and --unsigned have no effect without --attestation")
    if len(modules) != 2:
        raise UsageError(
            f"two modules are needed, ORIGINAL and REWRITTEN, not {len(modules)}; with"
            " --attestation FILE, REWRITTEN is enough"
        )
    from nnshim.registries.places import open_any
    from rewriter.terminal import alive
    from rewriter.verifying.components import compare, read

    original, rewritten = modules
    with (
        errors_in_json(as_json),
        alive("comparing", original),
        open_any(original) as before,
        open_any(rewritten) as after,
    ):
        comparison = compare(
            read(before),
            read(after),
            renames=renames,
            guest_abi=guest_abi,
            outputs=outputs,
            inputs=inputs,
        )
    if as_json:
        from nnshim.render import json

        print_json(json.compared(comparison))
    else:
        from nnshim.render import text

        say(*text.compared(comparison))
    if not comparison.only_rewritten:
        raise typer.Exit(1)


def _check_attested(
    modules: list[str],
    attestation: str,
    key: str | None,
    unsigned: bool,
    names: "tuple[Mapping[int, str], Mapping[int, str]]",
    as_json: bool,
) -> None:
    """Check an attestation, and with two modules, compare them. `names` are those of inputs and of
    outputs."""
    from contextlib import ExitStack

    from nnshim.attesting.checking import attested, compared
    from nnshim.registries.places import open_any
    from nnshim.render.attesting import attested as render
    from rewriter.terminal import alive

    if (key is not None) == unsigned:
        raise UsageError(
            "--attestation takes either --key PUBLIC.pem, or --unsigned for what nobody has signed"
            f"{', not both' if unsigned else ''}"
        )
    if len(modules) > 2:
        raise UsageError(f"one or two modules are needed, not {len(modules)}")
    comparison: Comparison | None = None
    with ExitStack() as stack:
        stack.enter_context(errors_in_json(as_json))
        public = None
        if key is not None:
            from nnshim.attesting.keys import read_public_key

            public = read_public_key(key)
        stack.enter_context(alive("checking", modules[-1]))
        *before, module = [stack.enter_context(open_any(path)) for path in modules]
        found = attested(attestation, public, module, *before)
        if before:
            comparison = compared(found, before[0], module, *names)
        elif any(names):
            raise UsageError("--input-name and --output-name have no effect without ORIGINAL")
    if as_json:
        from nnshim.render import json

        about = None if comparison is None else json.compared(comparison)
        print_json({"attestation": render.in_json(found), "comparison": about})
    else:
        say(*render.in_text(found))
        if comparison is not None:
            from nnshim.render import text

            say(*text.compared(comparison))
    if comparison is not None and not comparison.only_rewritten:
        raise typer.Exit(1)
