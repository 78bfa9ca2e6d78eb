"""Files that name graphs."""
