"""The adapters that an earlier rewrite put into a module."""
