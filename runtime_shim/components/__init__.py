"""Runs components: wasi:nn is added to the component itself, as two core modules."""
