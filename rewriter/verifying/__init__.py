"""Compares two modules, and finds the differences that a rewrite does not make."""
