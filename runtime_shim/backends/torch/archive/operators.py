"""Which of PyTorch's operators a model may call, and which of its classes it may make.

An operator is named NAMESPACE::NAME. Not allowed are operators that read or write files, that
reveal addresses in memory, or that access memory without checking their arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "CLASSES",
    "ONLY_OVERLOADS",
    "REACHES_OUT",
    "is_allowed_class",
    "is_allowed_operator",
    "may_run_while_loading",
]

REACHES_OUT = frozenset({"from_file", "save"})
"""aten::from_file maps a file of the host, aten::save writes one."""

CLASSES = frozenset(
    f"__torch__.torch.classes.{name}"
    for name in (
        "quantized.Conv2dPackedParamsBase",
        "quantized.Conv3dPackedParamsBase",
        "quantized.EmbeddingPackedParamsBase",
        "quantized.LinearPackedParamsBase",
        "rnn.CellParamsBase",
    )
)
"""The packed weights of quantized modules. Each is made from tensors that it checks. Other classes
search for a library to load (_nnapi), or open connections (c10d, dist_rpc)."""

_PRIM = frozenset(
    [
        "CallFunction",
        "CallMethod",
        "Closure",
        "Constant",
        "ConstantChunk",
        "CreateObject",
        "DictConstruct",
        "Enter",
        "EnumName",
        "EnumValue",
        "Exit",
        "Function",
        "GetAttr",
        "If",
        "ImplicitTensorToNum",
        "ListConstruct",
        "ListUnpack",
        "Loop",
        "NumToTensor",
        "Print",
        "RaiseException",
        "Return",
        "SetAttr",
        "StringIndex",
        "TupleConstruct",
        "TupleIndex",
        "TupleSlice",
        "TupleUnpack",
        "Uninitialized",
        "abs",
        "awaitable",
        "awaitable_nowait",
        "awaitable_wait",
        "data",
        "device",
        "dtype",
        "fork",
        "grad",
        "index",
        "is_cpu",
        "is_cuda",
        "is_ipu",
        "is_maia",
        "is_meta",
        "is_mkldnn",
        "is_mps",
        "is_mtia",
        "is_nested",
        "is_quantized",
        "is_sparse",
        "is_sparse_csr",
        "is_vulkan",
        "is_xla",
        "is_xpu",
        "isinstance",
        "itemsize",
        "layout",
        "max",
        "min",
        "name",
        "nbytes",
        "rangelist",
        "requires_grad",
        "tolist",
        "type",
        "unchecked_cast",
        "unchecked_unwrap_optional",
    ]
)
"""Operators that the compiler makes from code. Later optimizations make others, which trust their
arguments: prim::BailOut, prim::FusionGroup, prim::DifferentiableGraph."""

_PRIVATE = frozenset(
    [
        "_add_relu",
        "_adaptive_avg_pool2d",
        "_adaptive_avg_pool3d",
        "_addmm_activation",
        "_aminmax",
        "_assert_async",
        "_assert_scalar",
        "_assert_tensor_metadata",
        "_autocast_to_full_precision",
        "_autocast_to_reduced_precision",
        "_cast_Byte",
        "_cast_Char",
        "_cast_Double",
        "_cast_Float",
        "_cast_Half",
        "_cast_Int",
        "_cast_Long",
        "_cast_Short",
        "_choose_qparams_per_tensor",
        "_conj",
        "_convolution",
        "_convolution_mode",
        "_dim_arange",
        "_empty_affine_quantized",
        "_euclidean_dist",
        "_infer_size",
        "_int_mm",
        "_is_all_true",
        "_is_any_true",
        "_list_to_tensor",
        "_log_softmax",
        "_logcumsumexp",
        "_make_per_tensor_quantized_tensor",
        "_native_multi_head_attention",
        "_nested_tensor_from_mask",
        "_nested_tensor_from_mask_left_aligned",
        "_no_grad_fill",
        "_no_grad_normal",
        "_no_grad_uniform",
        "_no_grad_zero",
        "_pack_padded_sequence",
        "_pad_circular",
        "_pad_enum",
        "_pad_packed_sequence",
        "_print",
        "_reshape_from_tensor",
        "_safe_softmax",
        "_saturate_weight_to_fp16",
        "_set_item",
        "_shape_as_tensor",
        "_size_if_not_equal",
        "_softmax",
        "_stack",
        "_to_copy",
        "_transformer_encoder_layer_fwd",
        "_trilinear",
        "_unique",
        "_unique2",
        "_unsafe_index",
        "_unsafe_view",
        "_unwrap_optional",
        "_upsample_bicubic2d_aa",
        "_upsample_bilinear2d_aa",
        "_upsample_lanczos2d_aa",
        "_upsample_nearest_exact1d",
        "_upsample_nearest_exact2d",
        "_upsample_nearest_exact3d",
        "_weight_norm",
    ]
)
"""Operators of aten with an underscore that occur in exported models. The underscore says that the
caller has checked the arguments: _reshape_alias, _cummax_helper, _sobol_engine_draw and others read
or write any address that they get."""

_MADE_UNCHECKED = re.compile(r"backward|(?<!is_)sparse|nested|mkldnn|cudnn|miopen|jagged|unsafe")
"""Parts of names. Gradients are for training, and trust the results of the forward pass. A sparse
or nested tensor is checked when it is made, but its indices can be overwritten later."""

_UNSAFE = frozenset({"unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes"})
"""As safe as those without the word: only autograd would mind what they return."""

_REFUSED = re.compile(
    r"from_file|save|data_ptr|set_|set_data|c?col_indices|c?row_indices"
    r"|batch_norm_(elemt|gather_stats.*|stats|update_stats)|rrelu_with_noise.*"
    r"|ctc_loss|fbgemm_.*|fused_moving.*|fractional_max_pool.*|lu_unpack|native_(batch|group)_norm.*"
    r"|quantized_(gru|lstm|rnn_relu|rnn_tanh)_cell|segment_reduce|slow_conv.*|thnn_conv2d|view_copy"
)
"""Whole names. Those after the indices do not compare all tensors with each other, and read past
the end of the shorter one: they are called by functions that check."""

_REFUSED_QUANTIZED = re.compile(
    r"embedding_bag_(2bit|4bit|byte)(_rowwise_offsets)?|.*_legacy|.*_out"
)
"""Whole names. Some do not count the weights of samples, and the memory of any tensor can become
legacy packed weights."""

ONLY_OVERLOADS: Mapping[str, str] = MappingProxyType(
    {
        f"aten::{name}": "vec"
        for name in (
            "_upsample_bicubic2d_aa",
            "_upsample_bilinear2d_aa",
            "_upsample_lanczos2d_aa",
            "_upsample_nearest_exact1d",
            "_upsample_nearest_exact2d",
            "_upsample_nearest_exact3d",
            "upsample_bicubic2d",
            "upsample_bilinear2d",
            "upsample_linear1d",
            "upsample_nearest1d",
            "upsample_nearest2d",
            "upsample_nearest3d",
            "upsample_trilinear3d",
        )
    }
)
"""Operators with one form that computes the size from the factors. Other forms take both as they
are, and read where the factors say; there, the factors have to be None."""


_WHILE_LOADING = re.compile(
    r"__\w+__|add|append|clone|contiguous|detach|dim|eq|extend|format|ge|get|gt|items|keys|le|len|lt"
    r"|mul|ne|neg|numel|size|sub|values|RaiseException"
    r"|make_quantized_cell_params\w*|\w+_prepack|linear_prepack_fp16"
)
"""Operators that code may call while a model loads, before its graphs are checked."""


def may_run_while_loading(name: str) -> bool:
    """Whether code may call an operator while a model loads. `name` has no namespace."""
    return _WHILE_LOADING.fullmatch(name) is not None


def is_allowed_class(name: str) -> bool:
    """Whether a model may have a class, by its full name: one of its own, or one in CLASSES."""
    return not f"{name}.".startswith("__torch__.torch.classes.") or name in CLASSES


def is_allowed_operator(kind: str) -> bool:
    """Whether a model may call an operator, by its name with the namespace."""
    namespace, _, name = kind.partition("::")
    if namespace == "prim":
        return name in _PRIM
    if namespace == "quantized":
        return _REFUSED_QUANTIZED.fullmatch(name) is None
    if namespace == "prims":
        return name != "copy_strided"  # leaves gaps in memory uninitialised
    if namespace != "aten":
        return namespace == "quantization"
    if name.startswith("_") and not name.startswith("__"):
        return name.rstrip("_") in _PRIVATE or name in _PRIVATE
    if _REFUSED.fullmatch(name):
        return False
    return name in _UNSAFE or _MADE_UNCHECKED.search(name) is None
