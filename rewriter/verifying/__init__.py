"""What differs between two modules, and whether only a rewrite did it."""
