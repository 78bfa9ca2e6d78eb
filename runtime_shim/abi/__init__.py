"""Dialects: arguments and memory in, calls on a session, results back into memory.

Each file has `functions(dialect)`, which returns the functions by import name for the dialects with
that `implementation`. The functions take the session, the guest's memory (unless their only
argument is a handle) and the u32 arguments. They return an errno, or raise the HostError for it.
"""
