"""Random small models through a guest, compared with the runtimes called directly.

    python -m tests.tools.differential --seconds 60
    python -m tests.tools.differential --seconds 0 --seed 17

The second tries one seed, that of a finding; it needs the same --backends.
"""
