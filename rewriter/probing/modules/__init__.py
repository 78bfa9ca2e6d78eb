"""The modules that measure a host: their text, their data and their models."""
