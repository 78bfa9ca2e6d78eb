"""The ABIs of wasi-nn and WASI, as data."""
