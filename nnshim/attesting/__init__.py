"""Signs statements about rewrites, and checks signed ones."""
