"""The models of tests.heavy.peer_models on real hosts.

    python -m tests.heavy.models_on_peers PEERS_FOLDER [NAME ...]

PEERS_FOLDER/peers.toml is that of tests.heavy.peers, of which the last name in `for` is what the
guests are rewritten for. With names, only these hosts are run, and the results of the others stay.

models_on_peers.json, beside this file, gets for each host, and for each ABI that guests are built
for, the names of those that got the right answer.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rewriter.abi.dialects import DIALECTS
from tests.heavy.peer_models import ABIS, Asked, asked, guest, write_files
from tests.heavy.peers import SECONDS, Peer, read_peers
from tests.support.command import nnshim

RESULTS = Path(__file__).with_name("models_on_peers.json")


def arguments(question: Asked, abi: str) -> list[str] | None:
    """What the guest is told, in the numbers of its ABI; None where it has none for them."""
    dialect = DIALECTS[abi]
    types = {kind: number for number, kind in dialect.tensor_types.items()}
    encodings = {encoding: number for number, encoding in dialect.encodings.items()}
    if question.encoding not in encodings or any(g.type not in types for g in question.inputs):
        return None
    words = [str(encodings[question.encoding]), str(len(question.expected))]
    words.append(str(len(question.inputs)))
    for index, given in enumerate(question.inputs):
        shape = "x".join(map(str, given.dims))
        words += [str(types[given.type]), shape, question.input_file(index)]
    return [*words, *question.files]


def answers(peer: Peer, folder: Path, module: Path, question: Asked, abi: str) -> bool:
    words = arguments(question, abi)
    if words is None:
        return False
    try:
        done = subprocess.run(
            [*peer.command, module.name, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    lines = done.stdout.decode(errors="backslashreplace").splitlines()
    return not done.returncode and question.expected.hex() in lines


def answered(peer: Peer, folder: Path, abi: str) -> Iterator[str]:
    """The names of what is answered right."""
    label = peer.hosts[-1]
    module = folder / f"answer-{abi}-for-{label}.wasm"
    done = nnshim("rewrite", "--for", label, guest(folder, abi), module)
    if not module.exists():
        raise RuntimeError(done.stderr.decode())
    for question in asked():
        if answers(peer, folder, module, question, abi):
            yield question.name


def text(results: dict[str, Any]) -> str:
    """JSON with a line for each list."""
    parts = []
    for name, values in results.items():
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()]
        parts.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() and names else {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_files(place)
        for peer in read_peers(folder):
            if names and peer.name not in names:
                continue
            found = {abi: list(answered(peer, place, abi)) for abi in ABIS}
            results[peer.name] = {
                "commit": peer.commit,
                "options": peer.options,
                "date": datetime.date.today().isoformat(),
                "for": peer.hosts[-1],
                "backends": peer.backends,
                **found,
            }
            print(peer.name, {abi: len(names) for abi, names in found.items()}, flush=True)
            RESULTS.write_text(text(results))


if __name__ == "__main__":
    main()
