"""What hosts mean for one module or component."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshim.checking.settings import Settings
from nnshim.render.values import (
    Checked,
    FileReport,
    component_options,
    output_name,
    rewrite_command,
    rewrite_options,
)
from rewriter.analysis.compatibility import Answer, Runs
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.components.sections import is_component
from rewriter.files.input import Source
from rewriter.hosts.table import find_host

if TYPE_CHECKING:
    from rewriter.analysis.components.described import ComponentInfo
    from rewriter.files.input import Source
    from rewriter.hosts.starting import Explanation
    from rewriter.hosts.table import Chosen

__all__ = ["described", "judge_by_policy", "judge_described", "judge_source", "sha256_of"]


def judge_source(path: str, source: Source, settings: Settings) -> FileReport:
    """The report on a module or a component, which is called `path`. Raises ModuleError."""
    info = described(source, settings.guest_abi)
    if settings.validate:
        source.validate()
    return judge_described(path, source, info, settings)


def judge_described(
    path: str,
    source: Source,
    info: ModuleInfo | ComponentInfo,
    settings: Settings,
    file: str | None = None,
) -> FileReport:
    """The same of what is valid, or does not have to be. `file` is what a rewrite would be of, such
    as an archive, where that is not `path`."""
    here = path if file is None else file
    checked = tuple(_judge(path, here, info, host, settings) for host in settings.hosts)
    return FileReport(path, checked, sha256=sha256_of(source, settings))


def judge_by_policy(
    path: str, info: ModuleInfo | ComponentInfo, settings: Settings
) -> tuple[Checked, ...]:
    """What keeps a file that has nothing to do from passing: a policy that it breaks."""
    if settings.policy is None:
        return ()
    from rewriter.analysis.compatibility import Verdict
    from rewriter.checking.policy import under_policy

    models = settings.models
    found = (
        under_policy(Verdict.of(host.name, ()), info, host, settings.policy, models)
        for host in settings.hosts
    )
    return tuple(
        Checked(path, verdict.host, verdict, None, models)
        for verdict in found
        if verdict.answer is not Answer.RUNS
    )


def sha256_of(source: Source, settings: Settings) -> str | None:
    """In hexadecimal, None where the settings do not ask for it."""
    if not settings.digests:
        return None
    from hashlib import sha256

    return sha256(source.data).hexdigest()


def described(source: Source, guest_abi: str | None) -> ModuleInfo | ComponentInfo:
    """What a module or a component consists of. Raises ModuleError."""
    if is_component(source.data):
        from rewriter.analysis.components.described import describe_component

        return describe_component(source.data)
    return inspect_module(source.data, guest_abi)


def _judge(
    path: str, file: str, info: ModuleInfo | ComponentInfo, host: Chosen, settings: Settings
) -> Checked:
    found = _verdict(path, file, info, host, settings)
    accept = settings.accept | settings.accept_by_path.of(path)
    weighed = found.found.weighed(strict=settings.strict, accept=accept)
    found = found._replace(found=weighed)
    return found._replace(explained=_explain(found, info, host)) if settings.explain else found


def _verdict(
    path: str, file: str, info: ModuleInfo | ComponentInfo, host: Chosen, settings: Settings
) -> Checked:
    models = settings.models
    options: tuple[str, ...] = ()
    if isinstance(info, ModuleInfo):
        from rewriter.analysis.seen.numbering import shown_abi
        from rewriter.analysis.verdicts import judge

        found = judge(info, host, models=models)
        options = rewrite_options(settings.guest_abi or shown_abi(info, models), info)
    else:
        from rewriter.checking.components import judge_component

        found = judge_component(info, host, models)
        options = component_options(found)
    if settings.policy is not None:
        from rewriter.checking.policy import under_policy

        found = under_policy(found, info, host, settings.policy, models)
    helps = found.rewrite_for
    if helps is None:
        return Checked(path, host.name, found, None, models)
    rewrite = rewrite_command(helps, options, file)
    here = rewrite_command(helps, options, file, output_name(file, helps))
    return Checked(path, host.name, found, rewrite, models, help=here)


def _explain(
    checked: Checked, info: ModuleInfo | ComponentInfo, host: Chosen
) -> Explanation | None:
    """For the release that a rewrite is for, or the newest of those that were named."""
    from rewriter.hosts.starting import Trial, explain

    if checked.found.runs is Runs.CANNOT:
        return None
    if isinstance(info, ModuleInfo):
        return _explain_module(checked, info, host)
    trial = Trial(
        checked.path,
        any(item.package == "wasi:filesystem" for item in info.imports),
        any("load-by-name" in item.functions for item in info.wasi_nn),
        checked.models,
    )
    return explain(host.newest, trial)


def _explain_module(checked: Checked, info: ModuleInfo, host: Chosen) -> Explanation:
    from rewriter.analysis.seen.formats import loaded
    from rewriter.functions.frames import wanted_stack
    from rewriter.hosts.starting import Trial, explain

    helps = checked.found.rewrite_for
    row = host.newest if helps is None else find_host(helps)
    names = {item.name for item in info.wasi_nn.values()}
    wanted = wanted_stack(info.module, row.stack_bytes)
    formats = loaded(info, row)
    trial = Trial(
        checked.path if helps is None else output_name(checked.path, helps),
        any(item.name == "path_open" for item in info.imports),
        not names.isdisjoint(("load_by_name", "load_by_name_with_config")),
        checked.models,
        formats.formats if formats.only else frozenset(),
        (f"--stack-size={wanted.enough}",) if wanted else (),
    )
    return explain(row, trial, checked.help)
