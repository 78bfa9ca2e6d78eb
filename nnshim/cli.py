"""The command line: subcommands, and the one place where an error becomes an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

import typer

from nnshim.common import fail, note, refuse, say
from nnshim.help import VARIABLE
from rewriter.errors import DependencyMissing, NNShimError, UsageError
from rewriter.terminal import Unwritten, take_over

__all__ = ["build", "main"]

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_MISSING = 3
EXIT_NO_VERDICT = 6
EXIT_INTERRUPTED = 130

_OUTPUT = frozenset(("-o", "--out", "--output", "--output-file"))

_PRINTS = {
    **dict.fromkeys(
        ("bench", "doctor", "explain", "hosts", "inspect", "verify"),
        "the result is printed; write it to a file with > FILE",
    ),
    "check": "--report FORMAT=FILE writes a report to a file, such as json=report.json; modules are"
    " written by `nnshim rewrite -o`",
}
"""Commands without an output file, and what to write instead."""

COMMANDS = (
    *("rewrite", "inspect", "check", "hosts", "verify", "explain"),
    *("run", "map", "probe", "doctor", "bench", "cache", "config", "help"),
)
"""Each is `command` in nnshim.commands, in a module of its name, or `app` for several; `help` is in
nnshim.help."""


class _Helpful:
    """Writes the help of a command with its options under headings, and examples at the end. Is the
    first base of a class, and a class of typer is the second, which `super()` is."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        from nnshim.help.formatting import write_options

        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from nnshim.help.formatting import write_examples

        super().format_epilog(ctx, formatter)  # type: ignore[misc]  # of typer
        write_examples(ctx, formatter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]  # of typer
        return [piece.strip("{}") for piece in pieces]  # which typer puts around what is required

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]  # of typer
        option.callback = _print_help
        return option


def _print_help(ctx: typer.Context, _: object, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        say(*ctx.get_help().split("\n"))
        raise typer.Exit


class _Group(_Helpful, typer.core.TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and ctx.parent is not None:
            raise UsageError(
                f"{ctx.info_name} needs a command: {', '.join(self.list_commands(ctx))}"
            )
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


class _Command(_Helpful, typer.core.TyperCommand):
    """Refuses an option that is given twice where one value would be forgotten."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        for option, count in Counter(order).items():
            if not isinstance(option, typer.core.TyperOption) or option.multiple or count == 1:
                continue
            # A flag that can only be switched on says the same again.
            if not option.is_flag or option.secondary_opts:
                names = "/".join((*option.opts, *option.secondary_opts))
                raise UsageError(f"{names} is given {count} times but takes only one value")
        return super().parse_args(ctx, args)


def build(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with these subcommands; what the others need is not imported."""
    app = typer.Typer(
        cls=_Group,
        help="Any wasi-nn guest on any wasi-nn host.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Exit codes: 0 done; 1 refused, or invalid; 2 usage; 3 a required tool is missing. "
        "`check` has more: see its --help. `run` exits with the guest's own code, 134 if it traps, "
        "124 on a timeout.",
    )
    app.callback()(_options)
    for name in names:
        home = "nnshim.help.command" if name == "help" else f"nnshim.commands.{name}"
        module = importlib.import_module(home)
        if hasattr(module, "app"):
            for each in module.app.registered_commands:
                each.cls = _Command
            app.add_typer(module.app, name=name, cls=_Group)
            continue
        # What follows the module that is run is the guest's, options too.
        settings = {"allow_interspersed_args": name != "run"}
        app.command(name, cls=_Command, context_settings=settings)(module.command)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        say(f"nnshim {metadata.version('nnshim')}")
        raise typer.Exit


def _install_completion(shell: str | None) -> None:
    if shell is not None:
        from nnshim.help.shells import install

        for file in install(shell):
            say(f"written: {file}")
        note(f"start a new {shell} to complete nnshim's command lines")
        raise typer.Exit


def _show_completion(shell: str | None) -> None:
    if shell is not None:
        from nnshim.help.shells import script

        say(*script(shell).rstrip("\n").split("\n"))
        raise typer.Exit


_WITHOUT_SHELL = (["--install-completion"], ["--show-completion"])


def _options(
    version: bool = typer.Option(
        False, "-V", "--version", callback=_print_version, is_eager=True, help="Show the version."
    ),
    install_completion: str | None = typer.Option(
        None,
        metavar="[bash|zsh|fish]",
        callback=_install_completion,
        is_eager=True,
        help="Install completion for a shell (default: this shell).",
    ),
    show_completion: str | None = typer.Option(
        None,
        metavar="[bash|zsh|fish]",
        callback=_show_completion,
        is_eager=True,
        help="Print the script that --install-completion installs.",
    ),
) -> None:
    pass


def _complete(shell: str, words: list[str]) -> None:
    """Print what a shell offers for the last word."""
    from nnshim.help.completion import complete

    def commands(name: str) -> Any:
        return typer.main.get_command(build([name] if name in COMMANDS[:-1] else COMMANDS))

    say(*complete(shell, words, commands))


def main() -> NoReturn:
    """Run the command, and exit."""
    take_over()
    given = sys.argv[1:]
    wanted = [name for name in COMMANDS if name in given[:1]]
    refused = EXIT_NO_VERDICT if wanted == ["check"] else EXIT_REFUSED
    try:
        if VARIABLE in os.environ:
            _complete(os.environ[VARIABLE], given)
            _leave(0, refused)
        app = build(COMMANDS if wanted in ([], ["help"]) else wanted)
        if given in _WITHOUT_SHELL:
            from nnshim.help.shells import current_shell

            given = [*given, current_shell()]
        code = app(given or ["--help"], prog_name="nnshim", standalone_mode=False)
    except NNShimError as error:
        refuse(error)
        _leave(_exit_code(error, refused), refused)
    except typer.TyperException as error:
        _explain(error)
        _leave(EXIT_USAGE)
    except Unwritten as error:
        fail(str(error.strerror))
        _leave(refused)
    except BrokenPipeError:
        _leave(refused)
    except KeyboardInterrupt:
        _leave(EXIT_INTERRUPTED)
    except SystemExit as ended:  # by SIGHUP, where standard output may be gone
        _leave(int(ended.code or 0), refused)
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user
        _refuse_misfits(refused)
        _refuse_place()
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}"
        fail(f"a bug in nnshim, please report it: {type(error).__name__}: {error} ({where})")
        _leave(refused)
    _leave(code if given else EXIT_USAGE, refused)


def _refuse_place() -> None:
    """End where the current folder is gone, which most commands can do without."""
    try:
        os.getcwd()
    except FileNotFoundError:
        fail("the current folder was removed: change to another folder")
        _leave(EXIT_USAGE)


def _refuse_misfits(refused: int) -> None:
    """End with the packages whose versions nnshim does not take, if there are any: what fails with
    them is not a bug in nnshim."""
    from rewriter.installation import install_line, misfits

    found = misfits()
    if found:
        lines = [f"{what}: {install_line(package=name)}" for name, what in found.items()]
        fail(lines[0], *lines[1:])
        _leave(EXIT_MISSING, refused)


def _leave(code: int, refused: int = EXIT_REFUSED) -> NoReturn:
    """Exit, without what standard output has not taken, which Python would try again: of that, a
    result of 0 becomes `refused`."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        code = code or refused
    sys.exit(code)


def _explain(error: typer.TyperException) -> None:
    """How the command is called, and what is wrong with this call."""
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is not None:
        usage = " ".join(context.get_usage().split()).removeprefix("Usage: ")
        note(f"usage: {usage}; {context.command_path} --help says more")
    fail(_instead(error, context) or error.format_message())


def _instead(error: typer.TyperException, context: typer.Context | None) -> str | None:
    """What to write in place of an option of another command, and where that goes."""
    option = getattr(error, "option_name", None)
    if context is None or option is None:
        return None
    if option in _OUTPUT and context.info_name in _PRINTS:
        return f"No such option: {option}; {_PRINTS[context.info_name]}"
    if context.info_name == "probe":
        return f"{error.format_message()}; an option of the host's command goes after --"
    if context.info_name != "run":
        return None
    from nnshim.other_hosts import hint

    return hint(option)


def _exit_code(error: NNShimError, refused: int) -> int:
    if isinstance(error, DependencyMissing):
        return EXIT_MISSING
    return EXIT_USAGE if isinstance(error, UsageError) else refused
