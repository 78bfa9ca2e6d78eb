"""The interfaces of each form that wasi:nn had without a version, and of October, in WIT."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BY_INDEX", "FIVE_TYPES", "FORMS", "OCTOBER", "Form", "interfaces"]

_WIT = """
package wasi:nn{version};
world guest {{ import tensor; import graph; import inference; import errors; }}
interface tensor {{
    type tensor-dimensions = list<u32>;
    enum tensor-type {{ {types} }}
    type tensor-data = list<u8>;
    {tensor}
}}
interface graph {{
    use errors.{{error}};
    use tensor.{{tensor}};
    {graph}
    enum graph-encoding {{ openvino, onnx, tensorflow, pytorch, tensorflowlite, {last} }}
    enum execution-target {{ cpu, gpu, tpu }}
    type graph-builder = list<u8>;
    load: func(builder: list<graph-builder>, encoding: graph-encoding, target: execution-target)
        -> result<graph, error>;
    load-by-name: func(name: string) -> result<graph, error>;
}}
interface inference {{
    use errors.{{error}};
    use tensor.{{tensor, tensor-data}};
    {inference}
}}
interface errors {{ {errors} }}
"""

_RECORD = """record tensor {
    dimensions: tensor-dimensions, tensor-type: tensor-type, data: tensor-data
}"""
_NUMBER = "type graph = u32;"
_NUMBERS = """
    use graph.{{graph}};
    type graph-execution-context = u32;
    init-execution-context: func(graph: graph) -> result<graph-execution-context, error>;
    set-input: func(ctx: graph-execution-context, {key}, tensor: tensor) -> result<_, error>;
    compute: func(ctx: graph-execution-context) -> result<_, error>;
    get-output: func(ctx: graph-execution-context, {key}) -> result<tensor-data, error>;
"""
_RESOURCE = """resource tensor {
    constructor(dimensions: tensor-dimensions, ty: tensor-type, data: tensor-data);
    dimensions: func() -> tensor-dimensions;
    ty: func() -> tensor-type;
    data: func() -> tensor-data;
}"""
_GRAPH = """
    use inference.{graph-execution-context};
    resource graph { init-execution-context: func() -> result<graph-execution-context, error>; }
"""
_STEPS = """resource graph-execution-context {
    set-input: func(name: string, tensor: tensor) -> result<_, error>;
    compute: func() -> result<_, error>;
    get-output: func(name: string) -> result<tensor, error>;
}"""
_AT_ONCE = """
    type named-tensor = tuple<string, tensor>;
    resource graph-execution-context {
        compute: func(inputs: list<named-tensor>) -> result<list<named-tensor>, error>;
    }
"""
_SEVEN = """invalid-argument, invalid-encoding, {third}, runtime-error, unsupported-operation,
    too-large, not-found"""
_MADE = f"""
    enum error-code {{ {_SEVEN.format(third="timeout")}, security, unknown }}
    resource error {{
        %s
        code: func() -> error-code;
        data: func() -> string;
    }}
"""
FIVE_TYPES = "FP16, FP32, BF16, U8, I32"
_TYPES = "FP16, FP32, FP64, BF16, U8, I32, I64"


class Form(NamedTuple):
    """What differs between the interfaces. `key` is that of inputs and outputs of a context that is
    a number, and empty where it is a resource. `errors` are numbers, unless they are resources."""

    title: str
    key: str = ""
    types: str = _TYPES
    errors: str = f"enum error {{ {_SEVEN.format(third='busy')} }}"
    last: str = "autodetect"
    version: str = ""

    @property
    def has_records(self) -> bool:
        return bool(self.key)

    @property
    def is_named(self) -> bool:
        """Whether inputs and outputs have names."""
        return self.key != "index: u32"

    @property
    def has_numbers(self) -> bool:
        """Whether errors are numbers."""
        return self.errors.startswith("enum error {")


_LATER = f"enum error {{ {_SEVEN.format(third='timeout')} }}"
_CONSTRUCTOR = "constructor(code: error-code, data: string);"

FORMS = (
    Form("as in Wasmtime 13 and 14", "index: u32", FIVE_TYPES),
    Form("as in Wasmtime 15 to 22", "index: u32"),
    Form("wasi-nn at 8bd40e2", "name: string"),
    Form("wasi-nn at ac355f3"),
    Form("as in Wasmtime 23", errors=_LATER, last="ggml, autodetect"),
    Form("wasi-nn at 06c30c0", errors=_MADE % _CONSTRUCTOR),
    Form("wasi-nn at c0840c2", errors=_MADE % _CONSTRUCTOR, last="ggml, autodetect"),
)
"""wit/wasi-nn.wit of https://github.com/WebAssembly/wasi-nn at c1f8b87, e2310b8, 8bd40e2, ac355f3,
06c30c0 and c0840c2, and crates/wasi-nn/wit/wasi-nn.wit of
https://github.com/bytecodealliance/wasmtime at v23.0.3."""

BY_INDEX = FORMS[:2]
"""Those that know inputs and outputs by index."""

OCTOBER = Form(
    "October", errors=_MADE % "", last="ggml, autodetect", version="@0.2.0-rc-2024-10-28"
)


def interfaces(form: Form) -> str:
    """The interfaces, and a world `guest` that imports all of them."""
    inference = _AT_ONCE if form.version else _STEPS
    return _WIT.format(
        version=form.version,
        types=form.types,
        tensor=_RECORD if form.has_records else _RESOURCE,
        graph=_NUMBER if form.has_records else _GRAPH,
        last=form.last,
        inference=_NUMBERS.format(key=form.key) if form.has_records else inference,
        errors=form.errors,
    )
