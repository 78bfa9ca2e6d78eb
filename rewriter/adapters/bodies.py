"""The instructions of adapters, as text for the assembler.

Where the host has to be shown a structure, an adapter borrows bytes of memory that neither the
arguments nor the buffers they point to touch, and restores them before it returns. What would trap
in it, a structure that is not wholly inside the memory, is an invalid_argument to the guest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rewriter.abi.dialects import ELEMENT_SIZE, Dialect, Errno, TensorType

__all__ = ["PAGE_SIZE", "TEXTS"]

PAGE_SIZE = "{page_size}"
"""Stands in the texts where the bytes of a page of the memory do."""

_FIRST_PLACE = 16
"""Bytes from the start of memory where the search for bytes to borrow begins: hosts may take the
address 0 for none."""

_INVALID_ARGUMENT = f"i32.const {Errno.INVALID_ARGUMENT:d} return"

_MEASURE_MEMORY = f"""
    memory.size  i64.extend_i32_u  i64.const {PAGE_SIZE}  i64.mul  local.set $memory
"""


def _check(pointer: str, size: int) -> str:
    """Return invalid_argument unless `size` bytes at the i32 `pointer` are inside the memory."""
    return f"""
    local.get ${pointer}  i64.extend_i32_u  i64.const {size}  i64.add
    local.get $memory  i64.gt_u
    if $outside  {_INVALID_ARGUMENT}  end
    """


def _range(pointer: str, length: str) -> str:
    """Set `pointer`_start and `pointer`_end; the text `length` gives an i64, in bytes."""
    return f"""
    local.get ${pointer}  i64.extend_i32_u  local.tee ${pointer}_start
    {length}  i64.add  local.set ${pointer}_end
    """


def _borrow(size: int, avoid: str) -> str:
    """Set `place` to where `size` bytes may be borrowed; `avoid` is made of _beside."""
    return f"""
    i64.const {_FIRST_PLACE}  local.set $at
    loop $search  {avoid}  end
    local.get $at  i64.const {size}  i64.add  local.get $memory  i64.gt_u
    if $none  {_INVALID_ARGUMENT}  end
    local.get $at  i32.wrap_i64  local.set $place
    """


def _beside(start: str, end: str, size: int) -> str:
    """Where `size` bytes at `at` touch a range, search on after it, at a multiple of eight."""
    return f"""
    local.get $at  local.get ${end}  i64.lt_u
    local.get ${start}  local.get $at  i64.const {size}  i64.add  i64.lt_u
    i32.and
    if $touches
      local.get ${end}  i64.const 7  i64.add  i64.const -8  i64.and  local.set $at
      br $search
    end
    """


def _renumber(
    variable: str,
    source: Mapping[int, object],
    target: Mapping[int, object],
    unknown: Errno,
    missing: Errno,
    sizes: Mapping[TensorType, int] | None = None,
) -> str:
    """Put the target's number for the source's into a variable, and return `unknown` for a number
    that the source does not have, `missing` for a meaning that the target does not have. With
    `sizes`, set `length` to the bytes of one element."""
    numbers = {meaning: number for number, meaning in target.items()}
    text = "block $known"
    for number, meaning in source.items():
        text += f" local.get ${variable}  i32.const {number}  i32.eq  if $this"
        if meaning not in numbers:
            text += f" i32.const {missing:d}  return"
        else:
            text += f" i32.const {numbers[meaning]}  local.set ${variable}"
            if sizes and isinstance(meaning, TensorType):
                text += f" i64.const {sizes[meaning]}  local.set $length"
            text += " br $known"
        text += " end"
    return f"{text} i32.const {unknown:d}  return  end\n"


def _load(source: Dialect, target: Dialect) -> str:
    """Renumber the encoding, and pass the builders as a structure or one by one."""
    text = _MEASURE_MEMORY
    if source.layout == "wamr":
        text += _check("builder_array", 8)
        text += """
        local.get $builder_array  i32.load 0  local.set $builders
        local.get $builder_array  i32.load 4  local.set $builders_len
        """
    text += _renumber(
        "encoding",
        source.encodings,
        target.encodings,
        Errno.INVALID_ENCODING,
        Errno.INVALID_ENCODING,
    )
    if target.layout == "witx":
        text += """
        local.get $builders  local.get $builders_len
        local.get $encoding  local.get $target  local.get $graph_out  call $host
        """
    else:
        text += _SHOW_BUILDERS
    return text


_SHOW_BUILDERS = (
    _range("builders", "local.get $builders_len  i64.extend_i32_u  i64.const 8  i64.mul")
    # What is not wholly inside the memory the host refuses, and it cannot be looked through.
    + """
    local.get $builders_end  local.get $memory  i64.gt_u
    if $outside  local.get $builders_start  local.set $builders_end  end
    """
    + _range("graph_out", "i64.const 4")
    + _borrow(
        8,
        _beside("builders_start", "builders_end", 8)
        + _beside("graph_out_start", "graph_out_end", 8)
        + f"""
        local.get $builders_start  local.set $builder
        loop $each
          local.get $builder  local.get $builders_end  i64.lt_u
          if $more
            local.get $builder  i32.wrap_i64  i64.load32_u 0  local.tee $start
            local.get $builder  i32.wrap_i64  i64.load32_u 4  i64.add  local.set $end
            {_beside("start", "end", 8)}
            local.get $builder  i64.const 8  i64.add  local.set $builder
            br $each
          end
        end
        """,
    )
    + """
    local.get $place  i64.load 0  local.set $saved
    local.get $place  local.get $builders  i32.store 0
    local.get $place  local.get $builders_len  i32.store 4
    local.get $place  local.get $encoding  local.get $target  local.get $graph_out  call $host
    local.set $errno
    local.get $place  local.get $saved  i64.store 0
    local.get $errno
    """
)


def _set_input(source: Dialect, target: Dialect) -> str:
    """Build the host's tensor in borrowed bytes, its type renumbered and written as a whole u32."""
    text = _MEASURE_MEMORY + _READ_TENSOR[source.layout]
    text += _range("dimensions", "local.get $rank  i64.extend_i32_u  i64.const 4  i64.mul")
    text += _renumber(
        "type",
        source.tensor_types,
        target.tensor_types,
        Errno.INVALID_ARGUMENT,
        Errno.UNSUPPORTED_OPERATION,
        ELEMENT_SIZE if source.layout != target.layout else None,
    )
    if source.layout != target.layout:
        text += _MULTIPLY_DIMENSIONS
    if target.layout == "wamr":
        text += f"""
        local.get $length  local.get $tensor  i64.load32_u 16  i64.ne
        if $differs  {_INVALID_ARGUMENT}  end
        """
    elif source.layout == "witx":
        text += "local.get $tensor  i64.load32_u 16  local.set $length"
    text += _range("data", "local.get $length")
    if source.layout == "wamr":
        text += f"""
        local.get $data_end  local.get $memory  i64.gt_u
        if $outside  {_INVALID_ARGUMENT}  end
        """
    text += _borrow(
        20,
        _beside("dimensions_start", "dimensions_end", 20) + _beside("data_start", "data_end", 20),
    )
    return (
        text
        + f"""
    local.get $place  i64.load 0  local.set $saved
    local.get $place  i64.load 8  local.set $saved_8
    local.get $place  i32.load 16  local.set $saved_16
    local.get $place  local.get $dimensions  i32.store 0
    local.get $place  local.get $rank  i32.store 4
    {_WRITE_TENSOR[target.layout]}
    local.set $errno
    local.get $place  local.get $saved  i64.store 0
    local.get $place  local.get $saved_8  i64.store 8
    local.get $place  local.get $saved_16  i32.store 16
    local.get $errno
    """
    )


_READ_TENSOR = {
    "witx": _check("tensor", 20)
    + """
    local.get $tensor  i32.load 0  local.set $dimensions
    local.get $tensor  i32.load 4  local.set $rank
    local.get $tensor  i32.load8_u 8  local.set $type
    local.get $tensor  i32.load 12  local.set $data
    """,
    "wamr": _check("tensor", 12)
    + """
    local.get $tensor  i32.load 0  local.set $dimensions
    local.get $tensor  i32.load8_u 4  local.set $type
    local.get $tensor  i32.load 8  local.set $data
    """
    + _check("dimensions", 8)
    + """
    local.get $dimensions  i32.load 4  local.set $rank
    local.get $dimensions  i32.load 0  local.set $dimensions
    """,
}

_MULTIPLY_DIMENSIONS = f"""
    local.get $dimensions_end  local.get $memory  i64.gt_u
    if $outside  {_INVALID_ARGUMENT}  end
    local.get $dimensions_start  local.set $dimension
    loop $each
      local.get $dimension  local.get $dimensions_end  i64.lt_u
      if $more
        local.get $length  local.get $dimension  i32.wrap_i64  i64.load32_u 0  i64.mul
        local.tee $length  i64.const {2**32}  i64.gt_u
        if $saturates  i64.const {2**32}  local.set $length  end
        local.get $dimension  i64.const 4  i64.add  local.set $dimension
        br $each
      end
    end
"""
"""`length` times every dimension, 2^32 for anything larger: no memory here has more bytes."""

_WRITE_TENSOR = {
    "witx": """
    local.get $place  local.get $type  i32.store 8
    local.get $place  local.get $data  i32.store 12
    local.get $place  local.get $length  i32.wrap_i64  i32.store 16
    local.get $context  local.get $index  local.get $place  call $host
    """,
    "wamr": """
    local.get $place  local.get $place  i32.store 8
    local.get $place  local.get $type  i32.store 12
    local.get $place  local.get $data  i32.store 16
    local.get $context  local.get $index
    local.get $place  i32.const 8  i32.add  call $host
    """,
}
"""After the pointer to the dimensions and their number, which are at `place`."""


def _get_output(source: Dialect, _target: Dialect) -> str:
    """Count in bytes on one side, in 32-bit floats on the other."""
    to_wamr = source.layout == "witx"
    return _MEASURE_MEMORY + (_OUTPUT_FOR_WAMR if to_wamr else _OUTPUT_FOR_WITX)


_OUTPUT_FOR_WAMR = (
    _check("written_out", 4)
    + f"""
    local.get $written_out  i32.load 0  local.set $old
    local.get $written_out  local.get $out_buffer_max_size  i32.store 0
    local.get $context  local.get $index  local.get $out_buffer  local.get $written_out  call $host
    local.tee $errno  i32.eqz
    if $done
      local.get $written_out  i64.load32_u 0  i64.const 4  i64.mul  local.tee $room
      local.get $out_buffer_max_size  i64.extend_i32_u  i64.gt_u
      if $larger
        i32.const {Errno.TOO_LARGE:d}  local.set $errno
      end
      local.get $room  i32.wrap_i64  local.set $old
    end
    local.get $written_out  local.get $old  i32.store 0
    local.get $errno
    """
)
"""WAMR's host copies an output only if the room, which it takes for a count of floats, is at least
its size in bytes; so the room in bytes is what it has to be given. Where it is less, the host may
report success and have copied nothing."""

_OUTPUT_FOR_WITX = (
    _check("size_inout", 4)
    + f"""
    local.get $size_inout  i32.load 0  local.tee $old
    i64.extend_i32_u  local.get $out_buffer  i64.extend_i32_u  i64.add
    local.get $memory  i64.gt_u
    if $outside  {_INVALID_ARGUMENT}  end
    local.get $old  i64.extend_i32_u  i64.const 4  i64.mul  local.tee $room
    local.get $memory  local.get $out_buffer  i64.extend_i32_u  i64.sub  i64.gt_u
    if $shorter
      local.get $memory  local.get $out_buffer  i64.extend_i32_u  i64.sub  local.set $room
    end
    local.get $context  local.get $index  local.get $out_buffer
    local.get $room  i32.wrap_i64  local.get $size_inout  call $host
    local.tee $errno  i32.eqz
    if $done
      local.get $size_inout  i64.load32_u 0  i64.const 3  i64.add  local.tee $room
      i32.wrap_i64  i32.const 2  i32.shr_u  local.set $old
    end
    local.get $size_inout  local.get $old  i32.store 0
    local.get $errno
    """
)
"""Guests declare as many floats as WAMR's host wants to see, which may be more than follow in the
memory."""


def _load_by_name_with_config(_source: Dialect, _target: Dialect) -> str:
    """Without a configuration it is load_by_name; one that would be ignored is refused."""
    return f"""
    local.get $config_len
    if $given  i32.const {Errno.UNSUPPORTED_OPERATION:d}  return  end
    local.get $name  local.get $name_len  local.get $graph_out  call $host
    """


def _no_effect(function: str) -> Callable[[Dialect, Dialect], str]:
    """Success. The call that is never reached tells which import the adapter stands for, and its
    argument which function."""
    text = f"i32.const {Errno.SUCCESS:d}  return  i32.const {_WITHOUT[function]}  call $host"
    return lambda _source, _target: text


_WITHOUT = {"finalize_execution_context": 0, "unload": 2}
"""Numbers that tell these functions apart, of which the adapters are otherwise the same."""

TEXTS: Mapping[str, Callable[[Dialect, Dialect], str]] = {
    "load": _load,
    "set_input": _set_input,
    "get_output": _get_output,
    "load_by_name_with_config": _load_by_name_with_config,
    "unload": _no_effect("unload"),
    "finalize_execution_context": _no_effect("finalize_execution_context"),
}
