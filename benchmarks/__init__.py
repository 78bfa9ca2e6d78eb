"""Figures, each from a command that anyone can run: python -m benchmarks.NAME

Everything is measured side by side in one run; the ratios hold, the times are the machine's.
"""

from runtime_shim.backends.telemetry import turn_off

turn_off()  # NN runtimes are imported directly, too
