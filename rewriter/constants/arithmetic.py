"""Evaluates numeric instructions on values that are known, or known in part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from rewriter.constants.values import (
    MASK,
    Byte,
    Compared,
    Symbol,
    Value,
    bytes_of,
    is_numbers,
    join,
    joined,
)

__all__ = ["binary", "extended", "select", "unary", "wrapped"]

_WRAP, _EXTEND_S, _EXTEND_U = 0xA7, 0xAC, 0xAD
_REINTERPRETED = range(0xBC, 0xC0)
_I32_EQZ, _I64_EQZ = 0x45, 0x50
_EXTENSIONS = {0xC0: (8, 32), 0xC1: (16, 32), 0xC2: (8, 64), 0xC3: (16, 64), 0xC4: (32, 64)}
"""By opcode: the number of bits before and after."""

_ADD, _SUB, _MUL, _AND, _OR, _XOR, _SHL, _SHR_S, _SHR_U = range(9)
_COMPARISONS = (_EQ, _NE, _LT_S, _LT_U, _GT_S, _GT_U, _LE_S, _LE_U, _GE_S, _GE_U) = range(9, 19)

_FIRST = (_ADD, _SUB, _MUL)
_BITWISE = (_AND, _OR, _XOR, _SHL, _SHR_S, _SHR_U)

_OPERATIONS: Mapping[int, tuple[int, int]] = {
    first + place: (operation, bits)
    for first, bits, operations in (
        (0x46, 32, _COMPARISONS),
        (0x51, 64, _COMPARISONS),
        (0x6A, 32, _FIRST),
        (0x71, 32, _BITWISE),
        (0x7C, 64, _FIRST),
        (0x83, 64, _BITWISE),
    )
    for place, operation in enumerate(operations)
}
"""By opcode: the operations that are followed, and the number of bits of their operands."""

_FOLD: Mapping[int, Callable[[int, int, int], int]] = {
    _ADD: lambda a, b, bits: a + b,
    _SUB: lambda a, b, bits: a - b,
    _MUL: lambda a, b, bits: a * b,
    _AND: lambda a, b, bits: a & b,
    _OR: lambda a, b, bits: a | b,
    _XOR: lambda a, b, bits: a ^ b,
    _SHL: lambda a, b, bits: a << b % bits,
    _SHR_S: lambda a, b, bits: _signed(a, bits) >> b % bits,
    _SHR_U: lambda a, b, bits: a >> b % bits,
    _EQ: lambda a, b, bits: a == b,
    _NE: lambda a, b, bits: a != b,
    _LT_S: lambda a, b, bits: _signed(a, bits) < _signed(b, bits),
    _LT_U: lambda a, b, bits: a < b,
    _GT_S: lambda a, b, bits: _signed(a, bits) > _signed(b, bits),
    _GT_U: lambda a, b, bits: a > b,
    _LE_S: lambda a, b, bits: _signed(a, bits) <= _signed(b, bits),
    _LE_U: lambda a, b, bits: a <= b,
    _GE_S: lambda a, b, bits: _signed(a, bits) >= _signed(b, bits),
    _GE_U: lambda a, b, bits: a >= b,
}

_I32_LT_S = 0x48


def unary(opcode: int, value: Value) -> Value:
    """The result of an instruction with one operand."""
    if opcode in _REINTERPRETED:
        return value
    if opcode in (_I32_EQZ, _I64_EQZ):
        return _each(lambda number: int(number == 0), value)
    if opcode == _WRAP:
        return wrapped(value)
    if opcode == _EXTEND_U:
        return _each(lambda n: n, value, joined((*bytes_of(value, 4), 0, 0, 0, 0)))
    if opcode == _EXTEND_S:
        unknown = joined((*bytes_of(value, 4), None, None, None, None))
        return _each(lambda n: _signed(n, 32) & (1 << 64) - 1, value, unknown)
    if opcode in _EXTENSIONS:
        return extended(value, *_EXTENSIONS[opcode])
    return None


def binary(opcode: int, one: Value, other: Value) -> Value:
    """The result of an instruction with two operands."""
    if opcode == _I32_LT_S and isinstance(one, Symbol) and isinstance(other, int):
        return Compared(one, other)
    known = _OPERATIONS.get(opcode)
    if known is None:
        return None
    operation, bits = known
    if is_numbers(one) and is_numbers(other):
        return _fold(operation, bits, one, other)
    if operation == _ADD and isinstance(other, Symbol):
        one, other = other, one
    if operation in (_ADD, _SUB) and isinstance(one, Symbol) and isinstance(other, int):
        return Symbol(one.origin, (one.plus + (other if operation == _ADD else -other)) & MASK)
    if operation in (_SHL, _SHR_U) and isinstance(other, int) and not other % 8:
        return _shift(one, other % bits // 8, bits // 8, left=operation == _SHL)
    if operation in (_AND, _OR, _XOR):
        size = bits // 8
        pairs = zip(bytes_of(one, size), bytes_of(other, size), strict=True)
        return joined(tuple(_bitwise(operation, a, b) for a, b in pairs))
    return None


def select(one: Value, other: Value, condition: Value) -> Value:
    """`one` if the condition is not zero, else `other`."""
    if isinstance(condition, int):
        return one if condition else other
    return join(one, other)


def wrapped(value: Value) -> Value:
    """The low 32 bits of a value."""
    return _each(lambda number: number & MASK, value, joined(bytes_of(value, 4)))


def extended(value: Value, low: int, bits: int) -> Value:
    """The lowest `low` bits of a value, sign-extended to `bits` bits."""
    mask = (1 << low) - 1
    return _each(lambda n: _signed(n & mask, low) & (1 << bits) - 1, value)


def _fold(
    operation: int, bits: int, one: int | frozenset[int], other: int | frozenset[int]
) -> Value:
    ones, others = ([v] if isinstance(v, int) else sorted(v) for v in (one, other))
    mask = (1 << bits) - 1
    result: Value = None
    for place, (a, b) in enumerate(product(ones, others)):
        number = _FOLD[operation](a, b, bits) & mask
        result = join(result, number) if place else number
        if result is None:
            break
    return result


def _shift(value: Value, count: int, size: int, *, left: bool) -> Value:
    parts = bytes_of(value, size)
    zeros: tuple[Byte, ...] = (0,) * count
    return joined((*zeros, *parts[: size - count]) if left else (*parts[count:], *zeros))


def _bitwise(operation: int, one: Byte, other: Byte) -> Byte:
    if not isinstance(other, int):
        one, other = other, one
    if isinstance(one, int) and isinstance(other, int):
        return _FOLD[operation](one, other, 8)
    if operation == _AND and other in (0, 0xFF):
        return 0 if other == 0 else one
    if operation != _AND and other == 0:
        return one
    return None


def _each(function: Callable[[int], int], value: Value, otherwise: Value = None) -> Value:
    if isinstance(value, int):
        return function(value)
    if isinstance(value, frozenset):
        found = frozenset(map(function, value))
        return found if len(found) > 1 else next(iter(found))
    return otherwise


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> bits - 1 & 1 else number
