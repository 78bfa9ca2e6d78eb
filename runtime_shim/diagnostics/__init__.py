"""Checks of what is installed, and benchmarks."""
