"""What a component is, and which hosts run it."""
