"""nnshim map: one guest over many inputs."""

from typing import Annotated

import typer

from nnshim.common import start_logging
from nnshim.ended import check_stats_file, report_stats
from nnshim.guest_options import Given, Stats, StatsJson, limits_of, meant, takes_guest

__all__ = ["command"]


@takes_guest(captures=True)
def command(
    given: Given,
    module: Annotated[
        str,
        typer.Argument(
            metavar="MODULE",
            help="A .wasm or .wat file, oci://HOST/NAME:TAG, oci-layout:PATH:TAG, or - (stdin).",
        ),
    ],
    inputs: Annotated[
        str,
        typer.Option(
            metavar="DIR|FILE",
            help="A folder: each file is an input. A file: each line; of a .jsonl file, an object"
            " with args, stdin or stdin_file.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="OUT", help="The folder of the results."),
    ],
    args: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ARGS]...",
            help="The guest's arguments, after -- if one begins with a dash; {} stands for the path"
            " of the input, or its line.",
        ),
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N|ray://HOST[:PORT]",
            help="Processes that share the inputs (default: all cores), or a Ray cluster.",
        ),
    ] = None,
    gpus: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="GPUs of each worker on a Ray cluster, such as 1 or 0.5 (default: 1 if --device"
            " names one, else 0).",
        ),
    ] = None,
    stats: Stats = False,
    stats_json: StatsJson = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first input that fails.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all failures and the counts as JSON.")
    ] = False,
) -> None:
    """Run a guest once for each of many inputs, in several processes.

    Each input is the guest's standard input. What the guest writes to its standard output is the
    result: a file in OUT with the name of the input, written if the guest succeeds. The same
    command resumes an interrupted job. Each limit applies to each run.

    Exit codes: 0 each input has its result; 1 an input failed, or the module cannot run; 2 usage; 3
    a required tool is missing; 130 interrupted; 129 its terminal was closed.
    """
    from nnshim.fleets.files.inputs import find_inputs
    from nnshim.fleets.files.mapping import (
        Mapping,
        check_output,
        guest_of,
        map_inputs,
        parse_gpus,
        parse_workers,
    )

    start_logging()
    arguments = args or []
    settings = meant(given, limits_of(given, captures=True), module, [])
    check_output(output, stats_json)
    check_stats_file(stats_json, given, settings, module, inputs)
    where = parse_workers(workers)
    gpus_each = parse_gpus(gpus, where)
    job = Mapping(guest_of(module, settings), arguments, find_inputs(inputs, arguments), output)
    code, rows = map_inputs(job, (where, gpus_each), fail_fast=fail_fast, as_json=as_json)
    report_stats(rows, stats, stats_json)
    raise typer.Exit(code)
