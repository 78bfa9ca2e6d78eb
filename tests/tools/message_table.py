"""Writes rewriter/codes/messages.json: nnshim's own messages, by the codes that they are raised
with in the sources.

Each is the text between quotes, with `{}` for what differs. Messages that are not in the source as
text beside their code or error are left out.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeAlias

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "rewriter" / "codes" / "messages.json"
PACKAGES = ("rewriter", "runtime_shim", "nnshim")

_CODE = re.compile(r"NN\d{3}")
_ANY = "{}"
_MOST = 8
"""So many variants of a message are followed."""

_ROOTS = ("NNShimError", "HostError")

Names: TypeAlias = Mapping[str, Sequence[ast.expr]]
Given: TypeAlias = Mapping[str, Sequence[str]]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class _Made(NamedTuple):
    """A call that makes an error or a diagnostic: its text, its code, and the function it is in."""

    text: ast.expr
    code: str
    function: Function | None
    names: Names


def table(sources: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """The messages of Python modules by their codes, those of errors without one under ``""``."""
    trees = {module: ast.parse(source) for module, source in sources.items()}
    classes = _codes_of_classes(trees.values())
    made = {module: list(_made(tree, classes)) for module, tree in trees.items()}
    found: dict[str, set[str]] = defaultdict(set)
    for each in (each for some in made.values() for each in some):
        found[each.code].update(_texts(each.text, each.names))
    helpers = {
        (module, each.function.name): [one for one in some if one.function is each.function]
        for module, some in made.items()
        for each in some
        if each.function is not None
    }
    for module, tree in trees.items():
        froms = _imported(tree)
        for call, _, names in _calls(tree):
            called = _called(call)
            for helper in helpers.get((froms.get(called, module), called), ()):
                given = _given(helper.function, call, names)
                found[helper.code].update(_texts(helper.text, helper.names, given))
    return {
        code: telling
        for code, texts in sorted(found.items())
        if (telling := sorted({" ".join(text.split()) for text in texts if _is_telling(text)}))
    }


def _imported(tree: ast.Module) -> Mapping[str, str]:
    """The modules that names are imported from."""
    return {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _is_telling(text: str) -> bool:
    literal = text.replace(_ANY, " ")
    return len(re.findall(r"[a-z]{2,}", literal)) >= 2 and len(re.findall("[a-z]", literal)) >= 10


def _codes_of_classes(trees: Iterable[ast.Module]) -> Mapping[str, str]:
    """The codes of error classes by their names, empty for those without one."""
    classes = {
        node.name: node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }

    def code(name: str) -> str | None:
        if name in _ROOTS or name not in classes:
            return "" if name in _ROOTS else None
        for node in classes[name].body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = node.value
                if node.targets[0].id == "code" and isinstance(value, ast.Constant):
                    return str(value.value)
        return next(
            (found for base in classes[name].bases
             if isinstance(base, ast.Name) and (found := code(base.id)) is not None),
            None,
        )  # fmt: skip

    return {name: found for name in (*classes, *_ROOTS) if (found := code(name)) is not None}


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call | ast.Tuple, Function | None, Names]]:
    """The calls and tuples of a file, each with its function and the names that have values."""
    outer = _assigned(tree.body)

    def visit(
        node: ast.AST, function: Function | None, names: Names
    ) -> Iterator[tuple[ast.Call | ast.Tuple, Function | None, Names]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                own = {name: value for name, value in names.items() if name not in _bound(child)}
                yield from visit(child, child, {**own, **_assigned(ast.walk(child))})
                continue
            if isinstance(child, ast.Call | ast.Tuple):
                yield child, function, {**names, **_latest(child, function, names)}
            yield from visit(child, function, names)

    yield from visit(tree, None, outer)


def _latest(
    node: ast.Call | ast.Tuple, function: Function | None, names: Names
) -> Mapping[str, Sequence[ast.expr]]:
    """The values of names in a call that they got since the last call that had them."""
    found: dict[str, list[ast.expr]] = {}
    if function is None or isinstance(node, ast.Tuple):
        return found
    for name in _named(node):
        lines = _lines_of_calls(function).get((_called(node), name), ())
        before = max((line for line in lines if line < node.lineno), default=0)
        values = [each for each in names.get(name, ()) if hasattr(each, "lineno")]
        since = [each for each in values if before < each.lineno <= node.lineno]
        if since:
            found[name] = since
    return found


@functools.cache
def _lines_of_calls(function: Function) -> Mapping[tuple[str, str], Sequence[int]]:
    """The lines where a function calls another with a name, by both."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            for name in _named(node):
                found[_called(node), name].append(node.lineno)
    return found


def _named(node: ast.Call | ast.Tuple) -> Sequence[str]:
    parts = node.args if isinstance(node, ast.Call) else node.elts
    return [part.id for part in parts if isinstance(part, ast.Name)]


@functools.cache
def _bound(function: Function) -> frozenset[str]:
    """The names that a function gives other values than its module."""
    stored = (
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    return frozenset((*_parameters(function), *stored))


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            pairs = (
                zip(target.elts, value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            for one, other in pairs:
                if isinstance(one, ast.Name):
                    found[one.id].append(other)
        elif isinstance(node, ast.NamedExpr):
            found[node.target.id].append(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found[node.target.id].append(ast.Constant(_ANY))
    return found


def _made(tree: ast.Module, classes: Mapping[str, str]) -> Iterator[_Made]:
    for node, function, names in _calls(tree):
        parts = node.elts if isinstance(node, ast.Tuple) else [
            *node.args, *(each.value for each in node.keywords if each.arg == "code")
        ]  # fmt: skip
        texts = [part for part in parts if any(" " in each for each in _texts(part, names))]
        codes = [code for part in parts for code in _codes(part, names)]
        name = _called(node)
        if name in ("_Message", "Code", "Meaning"):
            continue
        if not texts and function is not None and isinstance(node, ast.Call):
            passed = _parameters(function)
            texts = [part for part in parts if isinstance(part, ast.Name) and part.id in passed]
        if not texts:
            continue
        if not codes and name in classes and not any(map(_may_be_code, parts)):
            codes = [classes[name]]
        text = texts[0]
        if isinstance(node, ast.Tuple):
            if len(texts) != 1 or len(parts) != 2:
                continue
            text = ast.JoinedStr([ast.Constant("{}: "), ast.FormattedValue(text, -1)])
        yield from (_Made(text, code, function, names) for code in codes)


def _may_be_code(part: ast.expr) -> bool:
    return "code" in ast.unparse(part)


def _codes(part: ast.expr, names: Names) -> list[str]:
    if isinstance(part, ast.IfExp):
        return _codes(part.body, names) + _codes(part.orelse, names)
    if isinstance(part, ast.Name):
        return [code for each in names.get(part.id, ()) for code in _codes(each, {})]
    if isinstance(part, ast.Constant) and isinstance(part.value, str):
        return [part.value] if _CODE.fullmatch(part.value) else []
    return []


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _given(function: Function | None, call: ast.AST, names: Names) -> Given:
    """What a call passes for the parameters of a function, as texts."""
    if function is None or not isinstance(call, ast.Call):
        return {}
    parameters = [one for one in _parameters(function) if one not in ("self", "cls")]
    given = dict(zip(parameters, call.args, strict=False))
    given |= {each.arg: each.value for each in call.keywords if each.arg in parameters}
    return {name: _texts(value, names) for name, value in given.items()}


def _parameters(function: Function) -> list[str]:
    return [one.arg for one in (*function.args.args, *function.args.kwonlyargs)]


def _texts(part: ast.expr, names: Names, given: Given | None = None, deep: int = 4) -> list[str]:
    """What an expression can be, as texts with `{}` for what is not known."""
    given = given or {}
    match part:
        case ast.Constant(str(value)):
            return [value]
        case ast.JoinedStr(values):
            return _joined([_texts(value, names, given, deep) for value in values])
        case ast.FormattedValue(value, -1):
            return _texts(value, names, given, deep)
        case ast.BinOp(left, ast.Add(), right):
            return _joined([_texts(side, names, given, deep) for side in (left, right)])
        case ast.IfExp(_, body, orelse):
            return [*_texts(body, names, given, deep), *_texts(orelse, names, given, deep)]
        case ast.Name(name) if name in given:
            return list(given[name])
        case ast.Name(name) if deep and name in names:
            texts = [_texts(each, names, given, deep - 1) for each in names[name]]
            found = [text for some in texts for text in some]
            return found if len(found) <= _MOST else [_ANY]
    return [_ANY]


def _joined(parts: Sequence[Sequence[str]]) -> list[str]:
    count = 1
    followed = []
    for part in parts:
        count *= len(part)
        followed.append(part if count <= _MOST else [_ANY])
        count = min(count, _MOST)
    joined = ("".join(each) for each in product(*followed))
    return [re.sub(r"(\{\})+", _ANY, each) for each in joined]


def sources() -> Mapping[str, str]:
    """The Python modules of nnshim, by name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): (
            path.read_text(encoding="utf-8")
        )
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def written() -> str:
    return json.dumps(table(sources()), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TABLE.write_text(written(), encoding="utf-8")
