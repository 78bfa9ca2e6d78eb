"""Finds the constants that a guest passes to wasi-nn's functions: tensor types, encodings,
lengths."""
