"""What is imported first by pytest and by `python -m tests.NAME`."""

from runtime_shim.backends.telemetry import turn_off

turn_off()  # tests import NN runtimes directly, too
