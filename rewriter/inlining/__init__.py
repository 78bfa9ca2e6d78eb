"""Puts core modules into a component, in the place of the functions of wasi:nn that it lowers."""
