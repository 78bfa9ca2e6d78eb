"""Which constants reach wasi-nn's functions: the types of tensors, encodings, lengths."""
