"""Renames the imports of a core module, and what describes them."""
