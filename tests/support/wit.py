"""Components that wasm-tools makes of wasi:nn's interfaces, one for each version."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rewriter.files import wasm_tools

__all__ = ["AUGUST", "JUNE", "OCTOBER", "command", "composed", "importing", "made"]

JUNE, AUGUST, OCTOBER = (f"0.2.0-rc-2024-{date}" for date in ("06-25", "08-19", "10-28"))

_WIT = """
package wasi:nn@{version};
world ml {{ import tensor; import graph; import inference; import errors; }}
interface tensor {{
    type tensor-dimensions = list<u32>;
    enum tensor-type {{ FP16, FP32, FP64, BF16, U8, I32, I64 }}
    type tensor-data = list<u8>;
    resource tensor {{
        constructor(dimensions: tensor-dimensions, ty: tensor-type, data: tensor-data);
        dimensions: func() -> tensor-dimensions;
        ty: func() -> tensor-type;
        data: func() -> tensor-data;
    }}
}}
interface graph {{
    use errors.{{error}};
    use tensor.{{tensor}};
    use inference.{{graph-execution-context}};
    resource graph {{
        init-execution-context: func() -> result<graph-execution-context, error>;
    }}
    enum graph-encoding {{
        openvino, onnx, tensorflow, pytorch, tensorflowlite, ggml, autodetect,
    }}
    enum execution-target {{ cpu, gpu, tpu }}
    type graph-builder = list<u8>;
    load: func(builder: list<graph-builder>, encoding: graph-encoding, target: execution-target)
        -> result<graph, error>;
    load-by-name: func(name: string) -> result<graph, error>;
}}
interface inference {{
    use errors.{{error}};
    use tensor.{{tensor}};
    type named-tensor = tuple<string, tensor>;
    resource graph-execution-context {{ {context} }}
}}
interface errors {{
    enum error-code {{
        invalid-argument, invalid-encoding, timeout, runtime-error, unsupported-operation,
        too-large, not-found, security, unknown,
    }}
    resource error {{
        {constructor}
        code: func() -> error-code;
        data: func() -> string;
    }}
}}
"""
"""wit/wasi-nn.wit of https://github.com/WebAssembly/wasi-nn at 917bf47, 82e9d89 and 71320d9."""

_IN_STEPS = """
    set-input: func(name: string, tensor: tensor) -> result<_, error>;
    compute: func() -> result<_, error>;
    get-output: func(name: string) -> result<tensor, error>;
"""
_AT_ONCE = "compute: func(inputs: list<named-tensor>) -> result<list<named-tensor>, error>;"
_CONSTRUCTOR = "constructor(code: error-code, data: string);"


_COMMAND = """
package test:guest;
world guest {{
    import wasi:nn/tensor@{version}; import wasi:nn/graph@{version};
    import wasi:nn/inference@{version}; import wasi:nn/errors@{version};
    import wasi:cli/stdin@0.2.0; import wasi:cli/stdout@0.2.0;
    import wasi:clocks/monotonic-clock@0.2.0;
    export wasi:cli/run@0.2.0;
}}
package wasi:cli@0.2.0 {{
    interface run {{ run: func() -> result; }}
    interface stdin {{
        use wasi:io/streams@0.2.0.{{input-stream}};
        get-stdin: func() -> input-stream;
    }}
    interface stdout {{
        use wasi:io/streams@0.2.0.{{output-stream}};
        get-stdout: func() -> output-stream;
    }}
}}
package wasi:clocks@0.2.0 {{ interface monotonic-clock {{ now: func() -> u64; }} }}
package wasi:io@0.2.0 {{
    interface error {{ resource error; }}
    interface streams {{
        use error.{{error}};
        variant stream-error {{ last-operation-failed(error), closed }}
        resource input-stream {{
            blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
        }}
        resource output-stream {{
            blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
        }}
    }}
}}
"""
"""What `wasmtime run` starts, with some of WASI 0.2."""


@functools.cache
def importing(version: str, *, constructor: bool | None = None) -> bytes:
    """A component that imports all functions of this version, by `wasm-tools component new`.
    Without `constructor`, the one of errors is left out."""
    return made(_interfaces(version, constructor), ["--dummy"], b"")


@functools.cache
def command(core: str, version: str) -> bytes:
    """A component of a core module in text, which may import all functions of this version, and
    exports `wasi:cli/run@0.2.0#run`."""
    wit = _COMMAND.format(version=version) + _nested(version)
    return made(wit, ["--world", "guest"], core.encode())


_LIBRARY = """
package test:{name};
interface step {{ f: func(); }}
world guest {{
    import wasi:nn/tensor@{version}; import wasi:nn/graph@{version};
    import wasi:nn/inference@{version}; import wasi:nn/errors@{version};
    export step;
}}
"""

_CALLER = """
package test:guest;
world guest {{ {imports} export wasi:cli/run@0.2.0; }}
package wasi:cli@0.2.0 {{ interface run {{ run: func() -> result; }} }}
"""


def composed(libraries: Sequence[str], version: str, times: int = 1) -> bytes:
    """What `wasm-tools compose` makes of a command that calls each library in turn, `times` times,
    and of the libraries: components of core modules in text such as those of `command`."""
    names = [chr(ord("a") + number) for number in range(len(libraries))]
    imports = "".join(f'(import "test:{name}/step" "f" (func ${name}))' for name in names)
    calls = " ".join(f"(call ${name})" for name in names) * times
    caller = f"""(module {imports} (func (export "wasi:cli/run@0.2.0#run") (result i32)
      {calls} (i32.const 0)))"""
    packages = "".join(
        f"package test:{name} {{ interface step {{ f: func(); }} }}" for name in names
    )
    wit = _CALLER.format(imports="".join(f"import test:{name}/step; " for name in names))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.wasm"
        root.write_bytes(made(wit + packages, ["--world", "guest"], caller.encode()))
        options: list[str | Path] = []
        for name, text in zip(names, libraries, strict=True):
            core = text.replace("wasi:cli/run@0.2.0#run", f"test:{name}/step#f")
            wit = _LIBRARY.format(name=name, version=version) + _nested(version)
            path = Path(folder) / f"{name}.wasm"
            path.write_bytes(made(wit, ["--world", "guest"], core.encode()))
            options += ["-d", path]
        command = [wasm_tools.find(), "compose", "-q", root, *options]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


def _nested(version: str) -> str:
    header, _, rest = _interfaces(version, None).partition(";")
    return f"{header} {{{rest}}}"


def _interfaces(version: str, constructor: bool | None) -> str:
    return _WIT.format(
        version=version,
        context=_AT_ONCE if version == OCTOBER else _IN_STEPS,
        constructor=_CONSTRUCTOR * (version == JUNE if constructor is None else constructor),
    )


def made(wit: str, options: Sequence[str], core: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nn.wit").write_text(wit)
        (folder / "text.wat").write_bytes(core)
        given = ["text.wat"] if core else []
        for arguments in (
            ("embed", *options, "nn.wit", *given, "-o", "core.wasm"),
            ("new", "core.wasm", "-o", "component.wasm"),
        ):
            command = [wasm_tools.find(), "component", *arguments]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return (folder / "component.wasm").read_bytes()
