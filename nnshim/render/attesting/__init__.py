"""Attestations that were checked, as text and as JSON."""
