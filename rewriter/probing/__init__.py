"""Measures what a wasi-nn host does by running modules on it, without knowledge of any host."""
