"""`check`: verdicts on a module or a component for hosts by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from rewriter.analysis.compatibility import Verdict
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.analysis.verdicts import judge
from rewriter.codes import Severity, find_code, unknown_code
from rewriter.components.sections import is_component
from rewriter.errors import UsageError
from rewriter.files import wasm_tools
from rewriter.hosts.table import Chosen, find_hosts
from rewriter.models.model import Model
from rewriter.wasm.module import Module, check_bytes
from rewriter.wasm.reader import Data

if TYPE_CHECKING:
    from rewriter.analysis.components.described import ComponentInfo
    from rewriter.policy.policy import Policy

__all__ = ["acceptable", "check"]


def check(
    data: Data | Module,
    hosts: Iterable[str],
    *,
    guest_abi: str | None = None,
    strict: bool = False,
    accept: Iterable[str] = (),
    models: Iterable[str | PurePath] = (),
    validate: bool = True,
    policy: Policy | None = None,
) -> list[Verdict]:
    """Whether a core module or a component, given by its bytes, runs on each of these hosts, in
    order.

    A host is a name, or a name and a release, such as `wamr@2.2`. `guest_abi` names the module's
    ABI, if its imports do not show it. With `strict`, needs and unseen count like conditions. Codes
    in `accept` do not count. `models` are the files of the models that the module runs; the verdict
    then covers them too. With `validate`, wasm-tools checks that the module is valid, because no
    host accepts an invalid one. What a `policy` does not allow is among the reasons of a verdict,
    which then is `cannot`.

    Raises UsageError for unknown names, releases and codes, and for codes that cannot be accepted;
    MalformedModule, UnsupportedModule and InvalidModule with the byte offset; DependencyMissing if
    wasm-tools is needed to validate and is not installed; and for models what `read_model` does.
    """
    from rewriter.models.reading import read_model  # not imported without models

    _several("hosts", hosts)
    _several("accept", accept)
    _several("models", models)
    chosen = list(map(find_hosts, hosts))
    if not chosen:
        raise UsageError("hosts: name at least one host; `nnshim hosts` lists them")
    accepted = acceptable(accept)
    judged = _judged(data, guest_abi, policy)
    if validate:
        wasm_tools.validate(bytes(data.data if isinstance(data, Module) else data))
    read = list(map(read_model, models))
    return [judged(one, read).weighed(strict=strict, accept=accepted) for one in chosen]


def _judged(
    data: Data | Module, guest_abi: str | None, policy: Policy | None
) -> Callable[[Chosen, Sequence[Model]], Verdict]:
    check_bytes(data.data if isinstance(data, Module) else data)
    info: ModuleInfo | ComponentInfo
    unrestricted: Callable[[Chosen, Sequence[Model]], Verdict]
    if not isinstance(data, Module) and is_component(data):
        from rewriter.analysis.components.described import describe_component
        from rewriter.checking.components import judge_component

        unrestricted = partial(judge_component, info := describe_component(data))
    else:
        unrestricted = partial(_judge_module, info := inspect_module(data, guest_abi))
    if policy is None:
        return unrestricted
    from rewriter.checking.policy import under_policy

    return lambda chosen, models: under_policy(
        unrestricted(chosen, models), info, chosen, policy, models
    )


def _judge_module(info: ModuleInfo, chosen: Chosen, models: Sequence[Model]) -> Verdict:
    return judge(info, chosen, models=models)


def _several(name: str, values: Iterable[object]) -> None:
    if isinstance(values, str | PurePath):
        raise UsageError(f"{name}: expected a list of names, got {values!r}; write [{values!r}]")


def acceptable(codes: Iterable[str]) -> frozenset[str]:
    """The codes in upper case. Raises UsageError for an unknown code, and for one that cannot be
    accepted, because it keeps a module from running or a rewrite fixes it."""
    found = {code.upper() for code in codes}
    for number in sorted(found):
        try:
            code = find_code(number)
        except KeyError:
            raise UsageError(unknown_code(number)) from None
        if code.severity in (Severity.ERROR, Severity.WARNING):
            raise UsageError(
                f"{number} ({code.title}) cannot be accepted, because it"
                f" {_NOT_ACCEPTED[code.severity]}; only conditions, needs and unseen can"
            )
    return frozenset(found)


_NOT_ACCEPTED = {
    Severity.ERROR: "keeps a module from running",
    Severity.WARNING: "needs a rewrite",
}
