"""Function bodies: instructions, references to functions, features, and a small assembler."""
