"""Models from guests are checked here before an NN runtime reads them: a length that a file states
twice, or that can wrap, would have the runtime read or write beside the model, and what comes
before itself would have it never return.

Each module knows one format and raises HostError with `invalid_argument`. It computes with Python's
integers, takes time in proportion to the file, and trusts no count further than the file reaches.
"""
