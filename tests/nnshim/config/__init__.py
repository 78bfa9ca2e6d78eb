"""Configuration in nnshim.toml and pyproject.toml."""
