"""Answers that are of another model, version or request than the one that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from rewriter.abi.dialects import TensorType
from runtime_shim import HostError
from tests.runtime_shim.backends.remote.remote_graphs import (
    code_of,
    host_of,
    inferred,
    two_floats,
)
from tests.support.inference_server import Model, grpc_server, http_server

Serve = Callable[[Model], AbstractContextManager[str]]


@pytest.fixture(params=[grpc_server, http_server], ids=["grpc", "http"])
def serve(request: pytest.FixtureRequest) -> Serve:
    found: Serve = request.param
    return found


SAME: dict[str, tuple[str, dict[str, Any]]] = {
    "the same": ("", {"model_name": "m", "model_version": "7"}),
    "no version": ("", {"model_name": "m"}),  # MLServer, KServe
    "an empty version": ("", {"model_name": "m", "model_version": ""}),
    "no name": ("", {}),
    "the version that was asked for": ("/versions/7", {"model_name": "m", "model_version": "7"}),
    "Seldon's name": ("", {"model_name": "m_7", "model_version": "7"}),
    "ModelMesh's name": ("", {"model_name": "m__isvc-6b2eb0b8bf"}),
}

OTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "another model": ("", {"model_name": "n"}),
    "a longer name": ("", {"model_name": "m_7", "model_version": "8"}),
    "a version that is not a number": ("", {"model_name": "m_x", "model_version": "x"}),
    "a name without its version": ("", {"model_name": "m_", "model_version": ""}),
    "a name that is only like Seldon's": ("", {"model_name": "m_None"}),
    "a longer name of ModelMesh": ("", {"model_name": "m2__isvc-6b2eb0b8bf"}),
    "another version": ("/versions/7", {"model_name": "m", "model_version": "8"}),
    "an empty version": ("/versions/7", {"model_name": "m", "model_version": ""}),
    "no version": ("/versions/7", {"model_name": "m"}),
}


@pytest.mark.parametrize(("version", "told"), SAME.values(), ids=SAME)
def test_an_answer_of_the_model_is_used(serve: Serve, version: str, told: dict[str, Any]) -> None:
    model = Model()
    model.described["versions"], model.told = ["7"], told
    with serve(model) as url:
        assert inferred(host_of(url + version)) == two_floats


@pytest.mark.parametrize(("version", "told"), OTHER.values(), ids=OTHER)
def test_an_answer_of_another_model_is_refused(
    serve: Serve, version: str, told: dict[str, Any]
) -> None:
    model = Model()
    model.described["versions"], model.told = ["7"], told
    with serve(model) as url:
        assert code_of(host_of(url + version)) == "NN607"


@pytest.mark.parametrize(
    "told",
    [
        *[{"model_name": ["m"]}, {"model_name": False}, {"model_name": 0}, {"model_name": []}],
        *[{"model_version": 7}, {"id": 7}, {"id": False}, {"id": []}],
    ],
    ids=str,
)
def test_a_name_a_version_and_an_id_in_json_are_texts(told: dict[str, Any]) -> None:
    model = Model()
    model.described["versions"], model.told = ["7"], {"model_version": "7", **told}
    with http_server(model) as url:
        assert code_of(host_of(f"{url}/versions/7")) == "NN607"


@pytest.mark.parametrize(
    ("version", "described", "is_loaded"),
    [
        ("", {"name": "m", "versions": ["1", "2"]}, True),
        ("", {"name": "m_2"}, True),  # Seldon
        ("", {"name": "m__isvc-6b2eb0b8bf"}, True),  # ModelMesh
        ("", {}, True),
        ("/versions/2", {"name": "m", "versions": ["1", "2"]}, True),
        ("/versions/2", {"name": "m"}, True),
        ("/versions/2", {"name": "m", "versions": ["1", "22"]}, False),
        ("", {"name": "mm"}, False),
        ("", {"name": "m_x"}, False),
    ],
)
def test_metadata_of_another_model_are_refused_at_the_load(
    serve: Serve, version: str, described: dict[str, Any], is_loaded: bool
) -> None:
    model = Model()
    model.described = described
    with serve(model) as url:
        host = host_of(url + version)
        if is_loaded:
            host.load_by_name("m")
        else:
            with pytest.raises(HostError, match=r"NN607.*was asked for"):
                host.load_by_name("m")


def infer_twice(serve: Serve, first: bool, then: Callable[[Model], None]) -> None:
    """Two inferences, of which the first's id is repeated or not, and what changes before the
    second."""
    model = Model()
    model.repeats_ids = first
    with serve(model) as url, host_of(url).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
        session.compute(context)
        then(model)
        session.compute(context)


@pytest.mark.parametrize("others", [{}, {"id": "5f0c"}], ids=["none", "its own"])
def test_a_server_may_give_ids_of_its_own_to_all_answers(
    serve: Serve, others: dict[str, str]
) -> None:
    infer_twice(serve, False, lambda model: model.told.update(others))


@pytest.mark.parametrize("others", [{}, {"id": "5f0c"}], ids=["none", "its own"])
def test_a_server_that_has_repeated_an_id_repeats_all(serve: Serve, others: dict[str, str]) -> None:
    def forgets(model: Model) -> None:
        model.repeats_ids = False
        model.told.update(others)

    with pytest.raises(HostError, match=r"NN607.*of another request"):
        infer_twice(serve, True, forgets)


def test_an_id_of_another_request_of_nnshim_is_refused_from_the_first(serve: Serve) -> None:
    model = Model()
    model.told["id"] = "nnshim-0123456789abcdef-0"
    with serve(model) as url:
        assert code_of(host_of(url)) == "NN607"
