"""The hosts that register wasi-nn, release by release, as data."""
