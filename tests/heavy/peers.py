"""The cases of tests.heavy.peer_cases on real hosts, as the guests are and rewritten, and here.

    python -m tests.heavy.peers PEERS_FOLDER [NAME ...]

PEERS_FOLDER/peers.toml says which hosts there are, and how each is started:

    [[peer]]
    name = "wamr-2.3.1-legacy"
    version = "2.3.1"
    commit = "WAMR-2.3.1"
    options = "WASI_NN=1, WASI_EPHEMERAL_NN=0"
    for = ["wamr-legacy"]              # what `rewrite --for` is told, each in turn
    backends = ["tflite", "openvino"]  # only their cases are run
    command = ["bin/wamr", "--dir=."]  # the guest and its arguments come after it
    on = ["REFERENCE_TYPES"]           # members of Feature that it reads beside those of its row
    off = ["SIMD"]                     # and that it refuses
    named = false                      # it is not given the graphs that guests ask for by name
    log = "\\\\[wasi_nn"                 # lines of standard output that start so are the host's

A relative command is one of PEERS_FOLDER; each runs in the folder of the models. With names, only
these hosts are run, and the results of the others stay. Where the environment variable WILD names
the folder in which tests.heavy.wild_guests has built, guests of other languages are run as well.

The results are written to peers.json beside this file, a line for each case: how it ended here, as
it is on the host, and rewritten. What is the same as here is `true`.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.heavy.peer_cases import Case, cases, write_files
from tests.support.command import nnshim

RESULTS = Path(__file__).with_name("peers.json")

AS_IT_IS = "as it is"

SECONDS = 60
"""No case takes one second on an idle machine."""


class Peer(NamedTuple):
    """A host as peers.toml has it."""

    name: str
    version: str
    commit: str
    options: str
    hosts: Sequence[str]
    backends: Sequence[str]
    command: Sequence[str]
    log: str
    on: Sequence[str]
    off: Sequence[str]
    named: bool


class Ended(NamedTuple):
    """How a run ended: the exit code, negative for a signal, and what the guest said."""

    code: int
    said: tuple[str, ...]


def read_peers(folder: Path) -> list[Peer]:
    """Raises KeyError for one that lacks a field."""
    peers = []
    for given in tomllib.loads((folder / "peers.toml").read_text())["peer"]:
        program, *options = given["command"]
        peers.append(
            Peer(
                given["name"],
                given["version"],
                given["commit"],
                given["options"],
                given["for"],
                given["backends"],
                [str((folder / program).resolve()), *options],
                given.get("log", "(?!)"),
                given.get("on", []),
                given.get("off", []),
                given.get("named", True),
            )
        )
    return peers


def on_peer(peer: Peer, folder: Path, guest: str, case: Case) -> Ended | str:
    """How the run ended, or that it did not."""
    try:
        done = subprocess.run(
            [*peer.command, guest, *case.arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "did not end"
    lines = done.stdout.decode(errors="backslashreplace").splitlines()
    said = tuple(line for line in lines if line and not re.match(peer.log, line))
    return Ended(done.returncode, said)


def here(folder: Path, case: Case) -> Ended:
    """How the guest as it is ends on nnshim, which finds the models by their paths too, and lets
    OpenVINO choose its precision, as the hosts do."""
    options = ["--fast-math", "--dir", f"{folder}::.", "--graph-files", str(folder)]
    done = nnshim("run", *options, folder / case.guest, *case.arguments)
    return Ended(done.returncode, tuple(done.stdout.decode().splitlines()))


def rewritten(folder: Path, guest: str, host: str) -> Path | str:
    """The guest for a host, or why there is none."""
    made = folder / f"{Path(guest).stem}-for-{host}.wasm"
    if not made.exists():
        done = nnshim("rewrite", "--for", host, folder / guest, made)
        if not made.exists():  # what its row cannot run is tried
            return done.stderr.decode().strip().splitlines()[0].replace(f"{folder}/", "")
    return made


def result(ended: Ended | str, itself: Ended) -> Any:
    """What is written of a run: true where it ended as the guest itself does here."""
    if isinstance(ended, str) or ended == itself:
        return ended == itself or ended
    return [ended.code, *ended.said]


def compared(peer: Peer, folder: Path, case: Case, itself: Ended) -> dict[str, Any]:
    """How a case ended as it is, and rewritten for each of the host's names."""
    found = {AS_IT_IS: result(on_peer(peer, folder, case.guest, case), itself)}
    for host in peer.hosts:
        made = rewritten(folder, case.guest, host)
        if isinstance(made, Path):
            found[host] = result(on_peer(peer, folder, made.name, case), itself)
        else:
            found[host] = f"not rewritten: {made}"
    return found


def described(peer: Peer) -> dict[str, Any]:
    """What is written of a host, besides its results."""
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    return {
        "version": peer.version,
        "commit": peer.commit,
        "options": peer.options,
        "for": list(peer.hosts),
        "backends": list(peer.backends),
        "on": list(peer.on),
        "off": list(peer.off),
        "named": peer.named,
        "date": datetime.date.today().isoformat(),
        "nnshim": revision.stdout.strip(),
    }


def text(results: Mapping[str, Any]) -> str:
    """JSON with a line for each case."""
    parts = []
    for name, values in results.items():
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()]
        parts.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def compared_all(
    peer: Peer, folder: Path, wanted: Mapping[Case, Ended]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of the cases whose backend the host has, by name."""
    for case, itself in wanted.items():
        if case.backend in peer.backends:
            yield case.name, compared(peer, folder, case, itself)


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    peers = [peer for peer in read_peers(folder) if peer.name in names or not names]
    backends = {backend for peer in peers for backend in peer.backends}
    wild = Path(os.environ["WILD"]) if "WILD" in os.environ else None
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() and names else {"here": {}}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_files(place, wild)
        wanted = {
            case: here(place, case)
            for case in cases(wild=wild is not None)
            if case.backend in backends
        }
        results["here"] |= {case.name: [ended.code, *ended.said] for case, ended in wanted.items()}
        for peer in peers:
            found = dict(compared_all(peer, place, wanted))
            results[peer.name] = described(peer) | found
            same = sum(True in ended.values() for ended in found.values())
            print(f"{peer.name}: {same} of {len(found)} the same as here", flush=True)
            RESULTS.write_text(text(results))


if __name__ == "__main__":
    main()
