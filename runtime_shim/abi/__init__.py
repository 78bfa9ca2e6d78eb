"""Dialects: arguments and memory in, calls on a session, results back into memory.

Each file has `functions(dialect)`: the functions by import name, for a dialect whose
`implementation` it is. They take the session, the guest's memory (unless they take nothing but a
handle) and the u32 arguments, and return an errno, or raise the HostError that holds it.
"""
