"""Measurements with models: numbers, structures, mistakes, outputs, and habits of backends."""
