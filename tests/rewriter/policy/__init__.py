"""Policies: what modules may ask for."""
