"""The scripts that make shells complete nnshim's command lines, and where they are installed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from nnshim.help import VARIABLE
from rewriter.errors import OutputError, UsageError
from rewriter.files.input import Source
from rewriter.files.output import write_atomic
from rewriter.suggestions import did_you_mean

__all__ = ["SHELLS", "current_shell", "install", "script"]

_BASH = """\
_nnshim_completion() {
    local -a lines=()
    local i
    mapfile -t lines < <(VARIABLE=bash "$1" "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    COMPREPLY=()
    for ((i = 1; i < ${#lines[@]}; i += 2)); do
        COMPREPLY+=("${lines[i]}")
    done
    if [[ ${lines[0]} == files ]]; then
        compopt -o default
        if ((${#COMPREPLY[@]})); then
            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$2")
        fi
    fi
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:@/] ]]; then
        compopt -o nospace
    fi
}
complete -F _nnshim_completion nnshim
"""

_ZSH = """\
#compdef nnshim
_nnshim_completion() {
    local -a lines closed open closed_shown open_shown
    local value about
    lines=("${(@f)$(VARIABLE=zsh ${words[1]} \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for value about in "${(@)lines[2,-1]}"; do
        [[ $about == - ]] && about="$value" || about="$value  -- $about"
        if [[ $value == *[=:@/] ]]; then
            open+=("$value") open_shown+=("$about")
        else
            closed+=("$value") closed_shown+=("$about")
        fi
    done
    (($#closed)) && compadd -l -d closed_shown -- "${closed[@]}"
    (($#open)) && compadd -l -S '' -d open_shown -- "${open[@]}"
    [[ $lines[1] == files ]] && _files
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _nnshim_completion "$@"
else
    compdef _nnshim_completion nnshim
fi
"""

_FISH = """\
function __nnshim_complete
    set -l words (commandline -opc)
    set -l begun (commandline -ct)
    set -l lines (env VARIABLE=fish $words[1] $words[2..] "$begun" 2>/dev/null)
    for i in (seq 2 2 (count $lines))
        printf '%s\\t%s\\n' $lines[$i] (string replace -r '^-$' '' -- $lines[(math $i + 1)])
    end
    if test "$lines[1]" = files
        __fish_complete_path "$begun"
    end
end
complete -c nnshim -f -a '(__nnshim_complete)'
"""

_SCRIPTS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}

SHELLS = tuple(_SCRIPTS)

_START = {
    "bash": "source {path}",
    "zsh": "(($+functions[compdef])) || {{ autoload -Uz compinit && compinit; }}; source {path}",
}
"""The line of a shell's own file that reads the script. fish reads its folder of completions."""


def script(shell: str) -> str:
    """Raises UsageError for a shell that is not known."""
    if shell not in _SCRIPTS:
        raise UsageError(
            f"no completion for the shell {shell!r}, only for {', '.join(SHELLS)}"
            f"{did_you_mean(shell, SHELLS)}"
        )
    return _SCRIPTS[shell].replace("VARIABLE", VARIABLE)


def current_shell(environment: Mapping[str, str] = os.environ, process: int | None = None) -> str:
    """The shell that started this process, as far as the system tells, else the user's own.

    Raises UsageError if that is neither bash, zsh nor fish.
    """
    for name in _ancestors(os.getppid() if process is None else process):
        if name in SHELLS:
            return name
    name = os.path.basename(environment.get("SHELL", ""))
    if name in SHELLS:
        return name
    raise UsageError(
        f"cannot tell which shell this is; name it: --show-completion {'|'.join(SHELLS)}"
    )


def _ancestors(process: int) -> Iterator[str]:
    """The names of a process and of those that it comes from, on Linux; nothing elsewhere."""
    while process > 1:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            return
        # The name is in parentheses, and may have others in it: proc(5).
        name, _, rest = stat.partition("(")[2].rpartition(")")
        yield name.lstrip("-")
        process = int(rest.split()[1])


def install(shell: str, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Write a shell's script, and have its own file read it once; the files that were changed.

    Raises UsageError for a shell that is not known, and OutputError for a file that cannot be
    written; a file that is replaced keeps what is in it.
    """
    text = script(shell)
    home = Path(environment.get("HOME") or Path.home())
    if shell == "fish":
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        return [_write(config / "fish" / "completions" / "nnshim.fish", text)]
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    file = _write(data / "nnshim" / f"completion.{shell}", text)
    own = home / ".bashrc"
    if shell == "zsh":
        own = Path(environment.get("ZDOTDIR") or home) / ".zshrc"
    return [file, *_add_line(own, _START[shell].format(path=_quoted(file)))]


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _add_line(file: Path, line: str) -> list[Path]:
    """Add a line to the end of a file that does not have it."""
    try:
        before = file.read_bytes() if file.exists() else b""
    except OSError as error:
        raise OutputError(f"cannot read {file}: {error.strerror or error}") from error
    added = os.fsencode(line)
    if added in before.splitlines():
        return []
    if before and not before.endswith(b"\n"):
        before += b"\n"
    return [_write(file, before + added + b"\n")]


def _write(file: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {file.parent}: {error.strerror or error}") from error
    write_atomic(str(file), Source(str(file), b""), [data])
    return file
