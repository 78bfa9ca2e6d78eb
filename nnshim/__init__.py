"""The nnshim command; `rewriter` and `runtime_shim` hold what it does."""
