"""Tensors of guests: what the numbers of their types mean, and their names."""
