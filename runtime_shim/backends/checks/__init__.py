"""Checks of models from guests before an NN runtime reads them. A length that a file states twice,
or that can overflow, would make the runtime read or write out of bounds. A cycle would make it run
forever.

Each module knows one format and raises HostError with `invalid_argument`. It computes with Python's
integers, takes time in proportion to the file, and trusts no count beyond the end of the file.
"""
