"""Print what results/ says of each host, case by case, as a page of Markdown.

python table.py > ../docs/conformance.md
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

CELLS = {
    "pass": "✓",
    "errno": "errno",
    "fail": "**wrong**",
    "trap": "trap",
    "crash": "**crash**",
    "timeout": "**time**",
    "link": "link",
    "blocked": "not reached",
}

BACKENDS = {"openvino": "OpenVINO", "onnx": "ONNX", "tensorflowlite": "TensorFlow Lite"}

ABIS = {
    "witx": "The specification's ABI",
    "wasmedge": "What WasmEdge has beyond it",
    "wamr": "WAMR's older ABI, `wasi_nn`",
}

BAD = ("fail", "crash", "trap", "timeout")
"""Results that a guest's author has to avoid; of `errno`, only who reads the number."""

INTRODUCTION = """\
# What hosts do: {cases} cases on {hosts}

Printed by `python conformance/table.py` from `conformance/results/`; how they were made is in
[conformance/README.md](../conformance/README.md). Each case is a small module that looks at one
sentence of the specification or one line of a host's header, linked in its row.

{failing} of {judged} cases that are judged give something wrong, a crash or a trap on at least one
host that is not nnshim. Where nnshim itself does otherwise, [peers.md](peers.md) says why. WAMR
2.3.1 numbers errors as components do, so that its guests take one error for another.

| in the tables | meaning |
| --- | --- |
| ✓ | what the sentence says |
| errno | an error, as expected, but with the number of a different error |
| **wrong** | something else: success where there is none, another output, another length |
| trap | the host stopped the guest, which learns nothing |
| **crash** | the host's own process was ended by a signal |
| link | the host does not start the module, or lacks a function that it calls |
| not reached | what the case starts from does not work there, or the case was not run |"""


def main() -> int:
    cases = json.loads((HERE / "expected.json").read_text("utf-8"))
    hosts = [json.loads(path.read_text("utf-8")) for path in sorted(HERE.glob("results/*.json"))]
    print("\n".join(page(cases, sorted(hosts, key=order))))
    return 0


def order(host: Mapping[str, Any]) -> tuple[bool, bool, str, str]:
    """Wasmtime first, nnshim last."""
    return host["host"] == "nnshim", host["host"] != "Wasmtime", host["host"], host["version"]


def page(cases: Sequence[Mapping[str, Any]], hosts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    judged = [case for case in cases if case["judged"]]
    failing = [case for case in judged if any(True for _ in where(case, others(hosts), BAD))]
    yield INTRODUCTION.format(
        cases=len(cases),
        hosts=f"{len(hosts)} hosts and backends",
        failing=len(failing),
        judged=len(judged),
    )
    yield from of_hosts(cases, hosts)
    yield from to_avoid(judged, others(hosts))
    for abi, title in ABIS.items():
        yield from of_cases(title, [case for case in judged if case["abi"] == abi], hosts)
    yield from unspecified([case for case in cases if not case["judged"]], hosts)


def others(hosts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [host for host in hosts if host["host"] != "nnshim"]


def has(host: Mapping[str, Any], abi: str) -> bool:
    """Whether the host takes the ABI: most of its cases start there."""
    found = [each for case, each in host["cases"].items() if case.startswith(f"{abi}/")]
    return [each["result"] for each in found].count("link") * 2 < len(found)


def version(host: Mapping[str, Any]) -> str:
    product, comma, build = host["host"].partition(", ")
    return f"{product} {host['version']}{comma}{build}"


def name(host: Mapping[str, Any]) -> str:
    return f"{version(host)}, {BACKENDS[host['encoding']]}"


def where(
    case: Mapping[str, Any], hosts: Sequence[Mapping[str, Any]], results: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """The hosts that have the case's ABI and one of the results."""
    for host in hosts:
        found = host["cases"].get(case["name"])
        if found and found["result"] in results and has(host, case["abi"]):
            yield host


def of_hosts(
    cases: Sequence[Mapping[str, Any]], hosts: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    judged = {case["name"] for case in cases if case["judged"]}
    yield "\n## Hosts\n\nHow many of the cases that are judged, of the ABIs that each has.\n"
    yield f"| host | {' | '.join(CELLS)} | commit | built or started with | date |"
    yield f"| --- |{' ---: |' * len(CELLS)} --- | --- | --- |"
    for host in hosts:
        abis = [abi for abi in ABIS if has(host, abi)]
        count = Counter(
            found["result"]
            for case, found in host["cases"].items()
            if case in judged and case.partition("/")[0] in abis
        )
        cells = " | ".join(str(count[result]) for result in CELLS)
        rest = f"{host['commit'][:9]} | {host['options']} | {host['date']}"
        yield f"| {name(host)} | {cells} | {rest} |"


def to_avoid(
    cases: Sequence[Mapping[str, Any]], hosts: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """The advice of the cases that fail somewhere, each once, by how many hosts it is about."""
    advice: dict[str, list[str]] = {}
    about: dict[str, dict[str, None]] = {}
    for case in cases:
        found = [version(host) for host in where(case, hosts, BAD)]
        if found and case["avoid"]:
            advice.setdefault(case["avoid"], []).append(case["name"])
            about.setdefault(case["avoid"], {}).update(dict.fromkeys(found))
    yield "\n## What a guest's author should avoid\n"
    for text in sorted(advice, key=lambda each: -len(about[each])):
        names = ", ".join(f"`{each}`" for each in advice[text])
        yield f"- {text} ({names}: {'; '.join(about[text])})"


def of_cases(
    title: str, cases: Sequence[Mapping[str, Any]], hosts: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    shown = [host for host in hosts if has(host, cases[0]["abi"])]
    yield f"\n## {title}\n"
    yield f"| case | {' | '.join(name(host) for host in shown)} |"
    yield f"| --- |{' --- |' * len(shown)}"
    for case in cases:
        cells = [
            CELLS[host["cases"].get(case["name"], {"result": "blocked"})["result"]]
            for host in shown
        ]
        at = case["sources"][0]["url"]
        file = f"../conformance/cases/{case['name']}.wat"
        title = f"[`{case['name'].partition('/')[2]}`]({file}) {case['title']} ([source]({at}))"
        yield f"| {title} | {' | '.join(cells)} |"


def unspecified(
    cases: Sequence[Mapping[str, Any]], hosts: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    yield "\n## Where the specification is silent\n"
    yield "What each host's module printed; nothing of this is right or wrong."
    for case in cases:
        said: dict[str, list[str]] = {}
        for host in hosts:
            found = host["cases"].get(case["name"])
            if found and has(host, case["abi"]):
                said.setdefault(printed(found), []).append(name(host))
        yield f"\n**`{case['name']}`**: {case['title']}\n"
        for text, names in said.items():
            yield f"- `{text}`: {'; '.join(names)}"
        if case["avoid"]:
            yield f"- Advice: {case['avoid']}"


def printed(found: Mapping[str, Any]) -> str:
    """What a module printed between its first line and its last, and how it ended if otherwise."""
    lines = [line for line in found["output"] if line not in ("start", "end")]
    if found["output"][-1:] != ["end"]:
        ended = "trap" if found["result"] == "recorded" else found["result"]
        lines.append(f"({ended})")
    return " ".join(lines)


if __name__ == "__main__":
    sys.exit(main())
