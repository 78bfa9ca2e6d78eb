"""Reads models' files: their formats, inputs and outputs."""
