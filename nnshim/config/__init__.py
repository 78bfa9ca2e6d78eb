"""Configuration in nnshim.toml or pyproject.toml: found, read, merged with the command line."""
