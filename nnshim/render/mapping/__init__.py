"""What became of the inputs of `nnshim map`, as text and as JSON."""
