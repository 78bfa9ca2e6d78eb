"""Grammars in llama.cpp's GBNF: how large they become there."""
