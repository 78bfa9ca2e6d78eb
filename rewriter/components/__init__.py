"""Components (WASI 0.2 and later): what one imports, exports and contains."""
