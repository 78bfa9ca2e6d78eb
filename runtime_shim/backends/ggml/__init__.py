"""Runs language models on llama.cpp."""
