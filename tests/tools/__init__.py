"""Commands that make, break or sweep: each is run as a module."""
