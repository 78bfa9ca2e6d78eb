"""What the constants in a module show of its ABI, and what of them a host does not take."""
