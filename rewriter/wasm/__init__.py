"""The binary format: sections, types, imports and names, and edits to them, independent of
wasi-nn."""
