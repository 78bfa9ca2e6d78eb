"""Verdicts on modules and components for hosts by their names."""
