"""Files that are read and written, and the process that validates them."""
