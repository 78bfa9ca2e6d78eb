"""A rewrite: turns a module and options into edits, and applies them."""
