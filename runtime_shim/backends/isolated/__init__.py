"""Runs any backend in another process."""
