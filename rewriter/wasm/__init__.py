"""The binary format: sections, types, imports and names, and edits to them. Knows nothing of
wasi-nn."""
