"""Measure what a host of wasi-nn does, with modules that it runs; nothing here knows a host."""
