"""Which constants a guest must pass to run its models."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from rewriter.abi.numbers import Encoding, TensorType
from rewriter.constants.constant import Constant, Constants, Subject
from rewriter.models.model import Model, Port

__all__ = ["Asked", "asked_formats", "asked_types", "names_all", "read_as", "unnamed"]


class Asked(NamedTuple):
    """A constant that a model requires: the guest must pass one of `meanings`. `what` describes it
    in messages."""

    subject: Subject
    model: Model
    what: str
    meanings: frozenset[TensorType] | frozenset[Encoding]


def asked_types(
    models: Iterable[Model],
    converted: Container[Encoding | None] = (Encoding.OPENVINO, Encoding.ONNX),
) -> Iterator[Asked]:
    """The type of each input that has a wasi-nn type. Some backends also take floats for a
    quantised input, and some, of these `converted` formats, for any input: OpenVINO does on some
    hosts, also in ONNX models."""
    for model in models:
        for port in model.inputs or ():
            kind = port.tensor_type
            if kind is not None:
                floats = (
                    {TensorType.F32} if model.encoding in converted or port.quantised else set()
                )
                yield Asked(Subject.TYPE, model, _input(model, port), frozenset((kind, *floats)))


def asked_formats(models: Iterable[Model]) -> Iterator[Asked]:
    """The encoding of each model: its own, autodetect, or that of another backend that reads the
    same files."""
    for model in models:
        if model.encoding is not None:
            also = read_as(model.encoding)
            meanings = frozenset((model.encoding, Encoding.AUTODETECT, *also))
            yield Asked(Subject.ENCODING, model, f"{_name(model)} ({model.title})", meanings)


def read_as(encoding: Encoding) -> frozenset[Encoding]:
    """Other encodings under which a backend may read files of a format."""
    return frozenset(_READ_AS.get(encoding, ()))


def unnamed(
    constants: Constants, asked: Iterable[Asked], meanings: Mapping[int, Iterable[object]]
) -> tuple[Asked, ...]:
    """The requirements that no call meets if numbers have these `meanings`. A subject is left out
    if some call hides its constant, or no call was seen."""
    asked = tuple(asked)
    subjects = {one.subject for one in asked}
    told = {s for s in subjects if constants.of(s) and not constants.hidden(s)}
    passed = {subject: set(_numbers(constants.of(subject))) for subject in told}
    return tuple(
        one
        for one in asked
        if one.subject in told
        and not any(
            one.meanings.intersection(meanings.get(number, ())) for number in passed[one.subject]
        )
    )


def names_all(
    constants: Constants, asked: Iterable[Asked], table: Mapping[int, TensorType | Encoding]
) -> bool:
    """Whether a guest with the numbers of `table` may meet all requirements: none is `unnamed`."""
    return not unnamed(constants, asked, {number: (meaning,) for number, meaning in table.items()})


def _numbers(found: Sequence[Constant]) -> Iterator[int]:
    for constant in found:
        yield from constant.numbers or ()


def _input(model: Model, port: Port) -> str:
    return f"the input {port.name!r} of {_name(model)} ({port.type})"


def _name(model: Model) -> str:
    return PurePath(model.path).name


_READ_AS: Mapping[Encoding, tuple[Encoding, ...]] = {
    Encoding.ONNX: (Encoding.OPENVINO, Encoding.PIPER),
    Encoding.OPENVINO: (Encoding.OPENVINOGENAI,),
    Encoding.PYTORCH: (Encoding.CHATTTS,),
    Encoding.GGML: (Encoding.NEURALSPEED, Encoding.WHISPER, Encoding.CHATTTS, Encoding.BITNET),
}
"""Other encodings under which a backend reads, or may read, files of a format."""
