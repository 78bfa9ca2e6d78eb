"""Layers of networks: convolutions, pooling, matrices, recurrent ones, random numbers, look-ups."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from flatbuffers import flexbuffers

from tests.tools.litert_operators.draft import (
    F32,
    I32,
    I64,
    Q8,
    Q16,
    QU8,
    Draft,
    Kind,
)  # fmt: skip

__all__ = ["RECIPES"]

Recipe = Callable[[Draft], None]

WEIGHTS = {F32: F32, Q8: Kind(np.int8, 0.5), QU8: QU8, Q16: Kind(np.int8, 0.5)}
BIASES = {F32: F32, Q8: Kind(np.int32, 0.25), QU8: Kind(np.int32, 0.25), Q16: Kind(np.int64, 0.125)}
LAYERED = (F32, F32, F32, Q8, QU8, Q16)


def weights(draft: Draft, kind: Kind, shape: list[int]) -> int:
    """Mostly constant; for floats, at times of 8 bits."""
    made = WEIGHTS.get(kind, kind)
    if kind == F32 and draft.chance(0.2):
        made = Kind(np.int8, 0.5)
    return draft.given(made, shape, constant=0.8)


def bias(draft: Draft, kind: Kind, length: int) -> list[int]:
    if draft.chance(0.15):
        return [-1] if draft.chance(0.3) else []
    return [draft.given(BIASES.get(kind, kind), [length], constant=0.8)]


def convolution(name: str, draft: Draft) -> None:
    kind, (n, h, w, c) = draft.kind_of(LAYERED), draft.shape(4)
    side, out = draft.number(1, 4), draft.length()
    padding, stride = draft.number(0, 2), draft.number(1, 3)
    fields = {"padding": padding, "strideW": stride, "strideH": draft.number(1, 3)}
    if draft.chance(0.2):
        fields.update(dilationWFactor=2, dilationHFactor=2)
    source = draft.given(kind, [n, h, w, c])
    if name == "CONV_2D":
        kernel = weights(draft, kind, [out, side, draft.number(1, 4), c])
        fields["fusedActivationFunction"] = draft.one_of((0, 1, 3))
        draft.add(name, [source, kernel, *bias(draft, kind, out)], [draft.made(kind)], "Conv2D",
                  **fields)  # fmt: skip
    elif name == "DEPTHWISE_CONV_2D":
        times = draft.number(1, 3)
        kernel = weights(draft, kind, [1, side, draft.number(1, 4), c * times])
        draft.add(name, [source, kernel, *bias(draft, kind, c * times)], [draft.made(kind)],
                  "DepthwiseConv2D", depthMultiplier=times, **fields)  # fmt: skip
    else:
        kernel = weights(draft, kind, [out, side, side, c])
        strides = {key: fields[key] for key in ("padding", "strideW", "strideH")}
        after = [n, *(
            length * step if padding == 0 else (length - 1) * step + side
            for length, step in ((h, strides["strideH"]), (w, strides["strideW"]))
        ), out]  # fmt: skip
        if draft.chance(0.2):
            after[1] = draft.number(0, 12)
        draft.add(name, [draft.parameter(after), kernel, source, *bias(draft, kind, out)],
                  [draft.made(kind, after)], "TransposeConv", **strides)  # fmt: skip


def convolution_3d(name: str, draft: Draft) -> None:
    n, d, h, w, c = draft.shape(5)
    out, sides, padding = draft.length(), [draft.number(1, 3) for _ in range(3)], draft.number(0, 2)
    fields = {f"stride{axis}": draft.number(1, 3) for axis in "DWH"}
    source = draft.given(F32, [n, d, h, w, c])
    if name == "CONV_3D":
        kernel = draft.given(F32, [*sides, c, out], constant=0.8)
        inputs = [source, kernel, *bias(draft, F32, out)]
        made = draft.made(F32)
    else:
        kernel = draft.given(F32, [*sides, out, c], constant=0.8)
        after = [n, *(
            length * fields[f"stride{axis}"] if padding == 0
            else (length - 1) * fields[f"stride{axis}"] + side
            for length, axis, side in zip((d, h, w), "DHW", sides, strict=True)
        ), out]  # fmt: skip
        inputs = [draft.parameter(after), kernel, source, *bias(draft, F32, out)]
        made = draft.made(F32, after)
    draft.add(name, inputs, [made], "Conv3D", padding=padding, **fields)


def pooling(name: str, draft: Draft) -> None:
    kind = draft.kind_of((F32,) if name == "L2_POOL_2D" else LAYERED)
    fields = {"strideW": draft.number(1, 3), "strideH": draft.number(1, 3)}
    draft.add(name, [draft.given(kind, draft.shape(4))], [draft.made(kind)], "Pool2D",
              padding=draft.number(0, 2), filterWidth=draft.number(1, 4),
              filterHeight=draft.number(1, 4), **fields)  # fmt: skip


def fully_connected(draft: Draft) -> None:
    kind, deep, out = draft.kind_of(LAYERED), draft.length(), draft.length()
    keep = draft.chance(0.3)
    source = draft.given(kind, [*draft.shape(1, 1, 2), deep])
    draft.add("FULLY_CONNECTED", [source, weights(draft, kind, [out, deep]),
                                  *bias(draft, kind, out)],
              [draft.made(kind)], "FullyConnected", keepNumDims=keep,
              asymmetricQuantizeInputs=draft.chance(0.5),
              fusedActivationFunction=draft.one_of((0, 1)))  # fmt: skip


def batch_matmul(draft: Draft) -> None:
    kind, lead, (n, k, m) = draft.kind_of((F32, F32, Q8, Q16)), draft.shape(0, 1, 2), draft.shape(3)
    left, right = draft.chance(0.4), draft.chance(0.4)
    other = [1 if draft.chance(0.3) else length for length in lead]
    inputs = [
        draft.given(kind, [*lead, *((k, n) if left else (n, k))]),
        draft.given(WEIGHTS[Q8] if kind == F32 and draft.chance(0.2) else kind,
                    [*other, *((m, k) if right else (k, m))], constant=0.3),
    ]  # fmt: skip
    draft.add("BATCH_MATMUL", inputs, [draft.made(kind, [*lead, n, m])], "BatchMatMul",
              adjX=left, adjY=right)  # fmt: skip


def resize(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, F32, Q8, QU8, Q16)), draft.shape(4)
    size = draft.shape(2)
    align = draft.chance(0.3)
    made = draft.made(kind, [shape[0], *size, shape[3]])
    options = {"RESIZE_BILINEAR": "ResizeBilinear",
               "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighbor"}[name]  # fmt: skip
    draft.add(name, [draft.given(kind, shape), draft.parameter(size)], [made], options,
              alignCorners=align, halfPixelCenters=not align and draft.chance(0.5))  # fmt: skip


def rnn(name: str, draft: Draft) -> None:
    batch, steps, wide, units = draft.shape(4)
    major = draft.chance(0.5)
    fields = {} if name == "RNN" else {"timeMajor": major}
    shape = (
        [batch, wide] if name == "RNN" else ([steps, batch] if major else [batch, steps]) + [wide]
    )
    kernel = draft.one_of((F32, F32, Kind(np.int8, 0.5)))
    inputs = [draft.given(F32, shape)]
    if name == "BIDIRECTIONAL_SEQUENCE_RNN":
        for _ in range(2):
            inputs += _cell(draft, kernel, wide, units)
            inputs.append(draft.variable(F32, [batch, units]))
        inputs += [-1] * 3
        merged = fields["mergeOutputs"] = draft.chance(0.5)
        draft.add(name, inputs, [draft.made(F32) for _ in range(1 if merged else 2)],
                  "BidirectionalSequenceRNN", fusedActivationFunction=1, **fields)  # fmt: skip
        return
    inputs += [*_cell(draft, kernel, wide, units), draft.variable(F32, [batch, units])]
    options = "RNN" if name == "RNN" else "SequenceRNN"
    draft.add(name, inputs, [draft.made(F32, [*shape[:-1], units])], options,
              fusedActivationFunction=draft.one_of((0, 1, 4)), **fields)  # fmt: skip


def _cell(draft: Draft, kernel: Kind, wide: int, units: int) -> list[int]:
    shapes = (kernel, [units, wide]), (kernel, [units, units]), (F32, [units])
    return [draft.given(kind, shape, constant=0.9) for kind, shape in shapes]


def lstm(name: str, draft: Draft) -> None:
    batch, steps, wide, units = draft.shape(4)
    major, both = draft.chance(0.5), name == "BIDIRECTIONAL_SEQUENCE_LSTM"
    shape = (
        [batch, wide] if name == "LSTM" else ([steps, batch] if major else [batch, steps]) + [wide]
    )
    kernel = draft.one_of((F32, F32, Kind(np.int8, 0.5)))
    projected = draft.length() if draft.chance(0.3) else units
    inputs = [draft.given(F32, shape)]
    coupled, peep = draft.chance(0.3), draft.chance(0.3)
    for _ in range(2 if both else 1):
        inputs += _gates(draft, kernel, (wide, units, projected), coupled, peep)
    for _ in range(2 if both else 1):
        inputs += [draft.variable(F32, [batch, projected]), draft.variable(F32, [batch, units])]
    outputs = [draft.made(F32, [*shape[:-1], projected])]
    fields = {"cellClip": draft.one_of((0.0, 1.0)), "asymmetricQuantizeInputs": draft.chance(0.5)}
    if name == "LSTM":
        options = "LSTM"
        inputs += [-1] * 4
    elif both:
        options = "BidirectionalSequenceLSTM"
        inputs += [-1] * 9
        fields.update(timeMajor=major, mergeOutputs=draft.chance(0.5))
        if not fields["mergeOutputs"]:
            outputs.append(draft.made(F32, [*shape[:-1], projected]))
    else:
        options = "UnidirectionalSequenceLSTM"
        norm = draft.chance(0.3)
        inputs += [draft.given(F32, [units], constant=0.9) if norm else -1 for _ in range(4)]
        fields["timeMajor"] = major
    draft.add(name, inputs, outputs, options, fusedActivationFunction=4, **fields)


def _gates(
    draft: Draft, kernel: Kind, sizes: tuple[int, int, int], coupled: bool, peep: bool
) -> list[int]:
    wide, units, projected = sizes
    places = []
    for length in (wide, projected):
        for gate in range(4):
            missing = coupled and gate == 0
            places.append(-1 if missing else draft.given(kernel, [units, length], constant=1))
    for gate in range(3):
        missing = not peep or (coupled and gate == 0)
        places.append(-1 if missing else draft.given(kernel, [units], constant=1))
    for gate in range(4):
        missing = coupled and gate == 0
        places.append(-1 if missing else draft.given(F32, [units], constant=1))
    if projected == units:
        return [*places, -1, -1]
    return [*places, draft.given(kernel, [projected, units], constant=1), -1]


def basic_lstm(draft: Draft) -> None:
    """The kernel of five inputs and four outputs."""
    batch, wide, units = draft.shape(3)
    inputs = [draft.given(F32, [batch, wide]), draft.given(F32, [batch, units]),
              draft.given(F32, [4 * units, wide + units]), draft.given(F32, [4 * units]),
              draft.given(F32, [batch, units])]  # fmt: skip
    lengths = units, units, wide + units, 4 * units
    outputs = [draft.made(F32, [batch, length]) for length in lengths]
    draft.add("LSTM", inputs, outputs, "LSTM", kernelType=1, fusedActivationFunction=4)


def any_lstm(draft: Draft) -> None:
    basic_lstm(draft) if draft.chance(0.4) else lstm("LSTM", draft)


def svdf(draft: Draft) -> None:
    batch, wide, units, memory = draft.shape(4)
    rank = draft.number(1, 3)
    kernel = draft.one_of((F32, F32, Kind(np.int8, 0.5)))
    inputs = [draft.given(F32, [batch, wide]),
              draft.given(kernel, [units * rank, wide], constant=1),
              draft.given(F32, [units * rank, memory], constant=1),
              draft.one_of((-1, draft.given(F32, [units], constant=1))),
              draft.variable(F32, [batch, memory * units * rank])]  # fmt: skip
    draft.add("SVDF", inputs, [draft.made(F32, [batch, units])], "SVDF", rank=rank,
              fusedActivationFunction=draft.one_of((0, 1)))  # fmt: skip


def random_numbers(name: str, draft: Draft) -> None:
    shape, seeds = draft.shape(0, 1, 2), {"seed": draft.number(1, 99), "seed2": 7}
    kind = draft.kind_of((I32, I64))
    if name == "MULTINOMIAL":
        inputs = [draft.given(F32, draft.shape(2)), draft.parameter(draft.length())]
        draft.add(name, inputs, [draft.made(kind)], "Random", **seeds)
    else:
        inputs = [draft.parameter(np.array(shape, np.int32))]
        draft.add(name, inputs, [draft.made(F32, shape)], "Random", **seeds)


def detection(draft: Draft) -> None:
    boxes, classes = draft.length(), draft.number(1, 4)
    most = draft.number(0, 7)
    options = flexbuffers.Dumps({
        "max_detections": most, "max_classes_per_detection": draft.number(1, 3),
        "nms_score_threshold": 0.1, "nms_iou_threshold": 0.5, "num_classes": classes,
        "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0,
        "use_regular_nms": draft.chance(0.5), "detections_per_class": draft.number(1, 9),
    })  # fmt: skip
    kind = draft.kind_of((F32, QU8))
    inputs = [draft.given(kind, [1, boxes, 4]),
              draft.given(kind, [1, boxes, classes + draft.number(0, 2)]),
              draft.given(kind, [boxes, 4], 1, 5)]  # fmt: skip
    shapes = ([1, most, 4], [1, most], [1, most], [1])
    operator = draft.add("CUSTOM", inputs, [draft.made(F32, shape) for shape in shapes])
    operator.custom, operator.custom_options = "TFLite_Detection_PostProcess", bytes(options)


def spectrogram(draft: Draft) -> None:
    options = flexbuffers.Dumps({
        "window_size": draft.one_of((1, 2, 8, 16, 5)), "stride": draft.number(1, 9),
        "magnitude_squared": draft.chance(0.5)})  # fmt: skip
    shape = [draft.one_of((0, 1, 4, 16, 64)), draft.number(1, 3)]
    operator = draft.add("CUSTOM", [draft.given(F32, shape)], [draft.made(F32)])
    operator.custom, operator.custom_options = "AudioSpectrogram", bytes(options)


def mfcc(draft: Draft) -> None:
    options = flexbuffers.Dumps({
        "upper_frequency_limit": 4000.0, "lower_frequency_limit": 20.0,
        "filterbank_channel_count": draft.one_of((1, 4, 40)),
        "dct_coefficient_count": draft.one_of((1, 4, 13))})  # fmt: skip
    shape = [draft.number(1, 3), draft.length(), draft.one_of((1, 9, 129, 513))]
    rate = draft.constant(I32, np.array([draft.one_of((8000, 16000))], np.int32))
    operator = draft.add("CUSTOM", [draft.given(F32, shape), rate], [draft.made(F32)])
    operator.custom, operator.custom_options = "Mfcc", bytes(options)


def numeric_verify(draft: Draft) -> None:
    shape = draft.shape()
    options = flexbuffers.Dumps({"tolerance": 5.0, "log_if_failed": False})
    operator = draft.add("CUSTOM", [draft.given(Q8, shape), draft.given(F32, shape)],
                         [draft.made(F32, shape)])  # fmt: skip
    operator.custom, operator.custom_options = "NumericVerify", bytes(options)


RECIPES: dict[str, Recipe] = {
    **{name: partial(convolution, name)
       for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")},
    **{name: partial(convolution_3d, name) for name in ("CONV_3D", "CONV_3D_TRANSPOSE")},
    **{name: partial(pooling, name) for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")},
    **{name: partial(resize, name) for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")},
    **{name: partial(rnn, name) for name in (
        "RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN")},
    **{name: partial(lstm, name) for name in (
        "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM")},
    **{name: partial(random_numbers, name) for name in (
        "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "MULTINOMIAL")},
    "FULLY_CONNECTED": fully_connected, "BATCH_MATMUL": batch_matmul, "LSTM": any_lstm,
    "SVDF": svdf,
    "TFLite_Detection_PostProcess": detection, "AudioSpectrogram": spectrogram, "Mfcc": mfcc,
    "NumericVerify": numeric_verify,
}  # fmt: skip
