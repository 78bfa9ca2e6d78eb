"""LiteRT, and what is done about what it gets wrong."""
