"""Where imports inside functions lead: import-linter sees them, but not `import_module`."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("nnshim", "runtime_shim", "rewriter")


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for name in PACKAGES for file in (ROOT / name).rglob("*.py")}


def imports_in_functions(module: str, tree: ast.Module) -> Iterator[str]:
    """What a module imports when one of its functions is called: modules, or the packages that
    `import_module` is given the start of."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for function in (node for node in ast.walk(tree) if isinstance(node, functions)):
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield whole if whole in MODULES else node.module
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                name = node.args[0]
                parts = name.values if isinstance(name, ast.JoinedStr) else [name]
                start = module if ast.unparse(parts[0]) == "{__name__}" else ""
                if isinstance(parts[0], ast.Constant):
                    start = str(parts[0].value)
                yield start.rstrip(".")


def order() -> dict[str, int]:
    """How high each folder is among its siblings, by the contracts in pyproject.toml."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    height = {}
    for contract in tool["contracts"]:
        if contract["type"] != "layers":
            continue
        for container in contract.get("containers", [""]):
            for depth, layer in enumerate(contract["layers"]):
                for name in layer.split(" | "):
                    height[f"{container}.{name}".lstrip(".")] = -depth
    return height


def points_down(importer: str, imported: str, height: dict[str, int]) -> bool:
    """Whether what is imported is inside the importer, or lower where their paths part. Files of
    one folder are compared by what they import, which import-linter does."""
    one, other = importer.split("."), imported.split(".")
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    if same == len(one):
        return True
    if same == len(other):
        return False
    mine, its = (".".join(path[: same + 1]) for path in (one, other))
    if mine in height and its in height:
        return height[mine] > height[its]
    return mine not in height and its not in height


def test_imports_in_functions_point_down() -> None:
    height = order()
    wrong = [
        f"{module} -> {imported}"
        for module, file in MODULES.items()
        for imported in imports_in_functions(module, ast.parse(file.read_text()))
        if imported.partition(".")[0] in PACKAGES and not points_down(module, imported, height)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    from runtime_shim.engine import runner",
        "def f():\n    import nnshim.cli",
        "def f():\n    importlib.import_module('runtime_shim.engine.runner')",
        "def f():\n    import_module(f'runtime_shim.engine.{name}')",
    ],
)
def test_an_import_that_points_up_is_seen(text: str) -> None:
    (imported,) = set(imports_in_functions("runtime_shim.host.host", ast.parse(text)))
    assert not points_down("runtime_shim.host.host", imported, order())


def test_no_folder_and_no_file_is_too_large() -> None:
    folders: dict[Path, int] = {}
    for file in MODULES.values():
        folders[file.parent] = folders.get(file.parent, 0) + 1
    assert {str(folder): count for folder, count in folders.items() if count > 12} == {}
    lines = {name: len(file.read_text().splitlines()) for name, file in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > 350} == {}
