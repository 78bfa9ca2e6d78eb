"""Finds WebAssembly in files, folders and archives, and writes changed modules back into them."""
