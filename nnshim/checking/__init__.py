"""What `nnshim check` does with each file: by its settings, to a report."""
