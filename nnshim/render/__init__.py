"""Values to text or JSON, a file for each: what commands hand over, and nothing that they do."""
