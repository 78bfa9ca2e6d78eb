"""What a module imports, what it was adapted to, and which hosts take it."""
