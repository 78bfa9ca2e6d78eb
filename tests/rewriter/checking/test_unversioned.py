"""Which hosts run a component that imports wasi:nn without a version."""

from __future__ import annotations

from typing import Any

import pytest

from rewriter import RewriteOptions, check, rewrite
from rewriter.analysis.compatibility import Answer, Verdict
from rewriter.analysis.components.described import describe_component
from rewriter.checking.components import judge_component
from rewriter.hosts.table import find_hosts
from tests.support.components import component
from tests.support.forms import BY_INDEX, FORMS, Form, interfaces
from tests.support.unversioned import guest
from tests.support.wit import made

RUN = "package wasi:cli@0.2.0 { interface run { run: func() -> result; } }"

each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)


def command(form: Form) -> bytes:
    """A component that imports all functions of a form, and nothing else."""
    text = interfaces(form).replace("import errors;", "import errors; export wasi:cli/run@0.2.0;")
    return made(text + RUN, ["--dummy"], b"")


def judge(data: bytes, host: str) -> Verdict:
    return judge_component(describe_component(data), find_hosts(host))


@each_form
def test_a_release_takes_the_form_that_its_source_has(form: Form) -> None:
    data = command(form)
    takes = {"as in Wasmtime 15 to 22": range(17, 23), "as in Wasmtime 23": range(23, 24)}
    for release in range(17, 24):
        found = judge(data, f"wasmtime@{release}")
        if release in takes.get(form.title, ()):
            assert found.answer is Answer.RUNS
        else:
            assert found.answer is Answer.CANNOT
            assert {each.code for each in found.reasons} == {"NN276"}


@each_form
@pytest.mark.parametrize("release", [24, 25, 34, 35, 49])
def test_releases_with_versions_run_each_form_after_a_rewrite(form: Form, release: int) -> None:
    host = f"wasmtime@{release}"
    data = guest(form)
    found = judge(data, host)
    assert found.answer is Answer.REWRITE
    names: dict[str, Any] = {"inputs": {0: "a"}, "outputs": {0: "s"}} if form in BY_INDEX else {}
    changed = rewrite(data, RewriteOptions(host=host, **names))
    assert judge(changed, host).answer is Answer.RUNS
    conditions = {each.code for each in found.conditions}
    wanted = {"NN367"} if release >= 35 else set()
    assert conditions == wanted | ({"NN375"} if form in BY_INDEX else set())


@each_form
def test_nnshim_runs_each_form_as_it_is(form: Form) -> None:
    assert judge(command(form), "nnshim").answer is Answer.RUNS


@each_form
def test_hosts_of_core_modules_run_each_form_after_a_rewrite(form: Form) -> None:
    [found] = check(guest(form), ["wasmedge"])
    assert found.answer is Answer.REWRITE
    core = rewrite(guest(form), RewriteOptions(host="wasmedge"))
    [after] = check(core, ["wasmedge"])
    assert after.answer in (Answer.RUNS, Answer.ONLY_IF)


def test_functions_with_other_types_are_of_no_form() -> None:
    item = '(import "wasi:nn/inference" (instance (export "compute" (func (param "c" u32)))))'
    data = component(item)
    for host in ("wasmtime@22", "wasmtime@23", "nnshim"):
        assert judge(data, host).answer is Answer.CANNOT


def test_a_resource_that_a_release_has_as_a_number_is_missing_there() -> None:
    item = '(import "wasi:nn/errors" (instance (export "error" (type (sub resource)))))'
    for release in (22, 23):
        found = judge(component(item), f"wasmtime@{release}")
        assert found.answer is Answer.CANNOT
        assert "the resource error" in found.reasons[0].message
