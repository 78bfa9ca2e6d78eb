"""Modules and components that are inspected, as lines for people."""
